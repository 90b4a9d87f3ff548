"""What both wires share: reading answers that may break their protocol at any place."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from tinman import clock
from tinman.errors import GarbledReply
from tinman.messages import Message, Request, Text, Usage
from tinman.models.sizes import prompt_bound, prompt_bytes, reply_bytes
from tinman.models.wires.refusals import Filtered, filter_words
from tinman.text.reading import read_json
from tinman.text.visible import shorten

OURS = frozenset({"max_tokens", "response_schema", "send_seed"})
"""Parameters that mean the same for every provider; all others are handed on untouched."""

MAX_CALLS = 128
"""How many tool calls one reply may make."""

_CAPS = ("max_tokens", "max_completion_tokens")
_MOST_TOKENS_A_BYTE = 1000
_MOST_BYTES_A_TOKEN = 512
T = TypeVar("T")


def served(response: Any, provider: str, called: str = "reply") -> dict[str, Any]:
    """Return ``response`` when it is an object that holds no error: half an answer beside an error is none.

    Raises ``Filtered`` for the error of a filter, ``GarbledReply`` for any other and for what is no object.
    """
    if not isinstance(response, dict):
        raise GarbledReply(
            f"{provider}: the {called} is {_kind(response)} instead of an object; is it the right base_url?"
        )
    if error := response.get("error"):
        if (words := filter_words({"error": error})) is not None:
            raise Filtered(words)
        raise GarbledReply(f"{provider}: the {called} is an error under status 200: {shorten(str(error), 160)}")
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


def arguments_of(given: Any) -> tuple[dict[str, Any], str | None]:
    """Return a tool call's arguments, or their text as second value when they are no JSON object.

    They come as an object, as its JSON, or as JSON of that JSON; nothing said is no arguments.
    """
    read, depth = given, 0
    while isinstance(read, str) and depth < 2:
        if not read.strip():
            return {}, None
        try:
            read = read_json(read, is_exact=True)
        except ValueError:
            break
        depth += 1
    if read is None:
        return {}, None
    if isinstance(read, dict):
        return read, None
    return {}, given if isinstance(given, str) else json.dumps(given)


def limit_calls(calls: list[Any], provider: str) -> list[Any]:
    """Return ``calls``; raises ``GarbledReply`` when there are more than any plan of one turn can have."""
    if len(calls) > MAX_CALLS:
        raise GarbledReply(
            f"{provider}: {len(calls):,} tool calls in one reply, of which at most {MAX_CALLS} are taken; ask for less"
        )
    return calls


def identify(given: Any, *derived_from: Any) -> str:
    """Return the id a call came with, or one that stays the same for the same reply."""
    return given if isinstance(given, str) and given else clock.derive_id("call", *derived_from)


def rebuilt_usage(tokens: tuple[Any, Any], request: Request, message: Message, extra: dict[str, Any]) -> Usage:
    """Return usage of one call. A count that is missing, or that these texts cannot have, is replaced by their bytes.

    That is an upper bound, and ``extra["usage_estimated"]`` says so. A prompt has tokens, and so has a reply that says
    something; no token covers more than a few hundred bytes, and a thousand tokens for each byte are no count either,
    unless the reply was allowed that many (thinking is not always shown).
    """
    bound, said = prompt_bound(request), reply_bytes(message)
    allowed = max((value for cap in _CAPS if type(value := request.params.get(cap)) is int), default=0)
    into, out = tokens
    if not _can_have(into, bound, bound) and not _can_have(into, _told(*request.messages), bound):
        into = None
    if not _can_have(out, _told(message), max(said, 2 * allowed // _MOST_TOKENS_A_BYTE)):
        out = None
    if into is None or out is None:
        extra["usage_estimated"] = True
        into = prompt_bytes(request) if into is None else into
        if out is None:  # more than was said may have been thought, but no more than was allowed
            out = max(said, allowed) if type(tokens[1]) is int and tokens[1] > said else said
    return Usage(calls=1, input_tokens=into, output_tokens=out, nano_usd=None)


def _can_have(count: Any, least_bytes: int, most_bytes: int) -> bool:
    """Say whether ``count`` can be that of tokens in a text of at least, and at most, so many bytes."""
    return type(count) is int and least_bytes / _MOST_BYTES_A_TOKEN <= count <= most_bytes * _MOST_TOKENS_A_BYTE


def _told(*messages: Message) -> int:
    """Return the bytes of the plain text in ``messages``: what else they hold is counted in other ways."""
    return sum(
        len(part.text.encode("utf-8", "replace")) for m in messages for part in m.parts if isinstance(part, Text)
    )


def read_body(body: bytes, provider: str, charset: str = "") -> Any:
    """Return a response's body as plain data; raises ``GarbledReply`` when it is empty or no JSON."""
    if not body.strip():
        raise GarbledReply(f"{provider}: the reply is empty; is it the right base_url?")
    try:
        return read_json(body, charset=charset)
    except ValueError as error:
        start = shorten(body[:80].decode("utf-8", "replace"), 60)
        why = shorten(str(error), 80)
        raise GarbledReply(f"{provider}: the reply is cut off or no JSON ({start!r}...; {why})") from error


def _place(key: str | int) -> str:
    return "first choice" if key == 0 else str(key)


def _kind(value: Any) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"
