"""What both wires share: reading answers that may break their protocol at any place."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from tinman.errors import GarbledReply
from tinman.messages import Message, Request, Usage
from tinman.models.sizes import prompt_bytes, reply_bytes
from tinman.text.storable import change_texts, paired
from tinman.text.visible import shorten

OURS = frozenset({"max_tokens", "response_schema", "send_seed"})
"""Parameters that mean the same for every provider; all others are handed on untouched."""

T = TypeVar("T")


def served(response: Any, provider: str) -> dict[str, Any]:
    """Return ``response`` when it is an object that is no error in disguise; raises ``GarbledReply``."""
    if not isinstance(response, dict):
        raise GarbledReply(
            f"{provider}: the reply is {_kind(response)} instead of an object; is it the right base_url?"
        )
    error = response.get("error")
    if error and "choices" not in response and "content" not in response:
        raise GarbledReply(f"{provider}: the reply is an error under status 200: {shorten(str(error), 160)}")
    return response


def field(holder: Any, key: str | int, kind: type[T], provider: str) -> T:
    """Return ``holder[key]``; raises ``GarbledReply`` when it is missing or of another kind."""
    try:
        value = holder[key]
    except (KeyError, IndexError, TypeError):
        raise GarbledReply(f"{provider}: the reply has no {_place(key)}; is it the right base_url?") from None
    if not isinstance(value, kind):
        raise GarbledReply(f"{provider}: {_place(key)} in the reply is {_kind(value)}, not {kind.__name__}")
    return value


def arguments_of(text: Any) -> tuple[dict[str, Any], str | None]:
    """Return a tool call's arguments, or the text itself as second value when it is no JSON object."""
    if isinstance(text, dict):
        return text, None
    if text is None or (isinstance(text, str) and not text.strip()):
        return {}, None
    if not isinstance(text, str):
        return {}, json.dumps(text)
    try:
        read = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return {}, text
    return (read, None) if isinstance(read, dict) else ({}, text)


def rebuilt_usage(tokens: tuple[Any, Any], request: Request, message: Message, extra: dict[str, Any]) -> Usage:
    """Return usage of one call; where a count is missing bytes stand in, as an upper bound, and ``extra`` says so."""
    into, out = (count if type(count) is int and count >= 0 else None for count in tokens)
    if into is None or out is None:
        extra["usage_estimated"] = True
        into = prompt_bytes(request) if into is None else into
        out = reply_bytes(message) if out is None else out
    return Usage(calls=1, input_tokens=into, output_tokens=out, nano_usd=None)


def read_json(body: bytes, provider: str) -> Any:
    """Return the body as plain data, halves of surrogate pairs replaced; raises ``GarbledReply`` when it is no JSON."""
    if not body.strip():
        raise GarbledReply(f"{provider}: the reply is empty; is it the right base_url?")
    try:
        read = json.loads(body)
    except (ValueError, RecursionError) as error:
        start = shorten(body[:80].decode("utf-8", "replace"), 60)
        raise GarbledReply(f"{provider}: the reply is cut off or no JSON ({start!r}...)") from error
    return change_texts(read, paired) if b"\\ud" in body or b"\\uD" in body else read


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _place(key: str | int) -> str:
    return "first choice" if key == 0 else str(key)


def _kind(value: Any) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"
