"""How an endpoint's answer is read: JSON, server-sent events or plain text, in the usual shapes or by a JSON path."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable
from typing import Any

import httpx2

from tinman.errors import GarbledReply, PatternTooSlow
from tinman.targets.adapters.turn import MAX_CALLS, calls_told
from tinman.text.json_paths import values_at
from tinman.text.visible import shorten

FIELDS = ("reply", "message", "answer", "response", "output", "text", "content", "delta", "choices")
MAX_DEPTH = 60
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))

Finder = Callable[[Any], str | None]
"""Finds the text in one JSON value; ``None`` when there is none."""


def text_in(data: Any, depth: int = 0) -> str | None:
    """Return the text of an answer, where the usual shapes put it: ``reply``, ``message.content``, ``choices[0]``...

    A number stands for its digits. Nothing is found deeper than ``MAX_DEPTH``.
    """
    if depth > MAX_DEPTH or data is None:
        return None
    if isinstance(data, str):
        return data
    if isinstance(data, bool | int | float):
        return json.dumps(data)
    if isinstance(data, list):
        parts = [part for part in (text_in(item, depth + 1) for item in data) if part is not None]
        return "".join(parts) if parts else None
    if isinstance(data, dict):
        for field in FIELDS:
            found = text_in(data.get(field), depth + 1)
            if found is not None:
                return found
    return None


def by_path(path: str) -> Finder:
    """Return what finds the text at an RFC 9535 path; several are joined, and what is no text is told as JSON."""

    def find(data: Any) -> str | None:
        try:
            values = [value for value in values_at(data, path) if value is not None]
        except (ValueError, PatternTooSlow) as error:
            raise GarbledReply(f"the reply: {error}") from error
        return "".join(value if isinstance(value, str) else json.dumps(value) for value in values) if values else None

    return find


def decoded(content: bytes, content_type: str) -> str:
    """Return a body's text: by its byte order mark, else the charset it names, else UTF-8; bad bytes are replaced."""
    for mark, name in _BOMS:
        if content.startswith(mark):
            return content.decode(name, "replace")
    _, _, charset = content_type.lower().partition("charset=")
    charset = charset.partition(";")[0].strip().strip("\"'") or "utf-8"
    try:
        return content.decode(charset, "replace")
    except (LookupError, UnicodeError):
        return content.decode("utf-8", "replace")


def parsed(text: str, about: str) -> Any:
    """Return JSON as data. Raises ``GarbledReply`` for what is none, also because it is nested without end."""
    try:
        return json.loads(text)
    except RecursionError:
        raise GarbledReply(f"{about}: the answer is nested too deeply to be read") from None
    except ValueError as error:
        raise GarbledReply(f"{about}: the answer is not JSON: {shorten(str(error), 120)}") from error


def read_answer(kind: str, text: str, about: str, find: Finder | None = None) -> str:
    """Return the text of an answer of content type ``kind``. Raises ``GarbledReply`` when it holds none."""
    finder = find or text_in
    if kind == "text/event-stream":
        return "".join(_of_events(text, about, finder))
    if find is None and kind != "application/json" and not kind.endswith("+json") and not text.lstrip().startswith("{"):
        return text
    try:
        data = parsed(text, about)
        found = finder(data)
    except RecursionError:
        raise GarbledReply(f"{about}: the answer is nested too deeply to be read") from None
    if found is None:
        error = data.get("error") if isinstance(data, dict) else None
        told = f"is an error: {shorten(json.dumps(error), 160)}" if error else "holds no text"
        where = "at target.reply" if find else f"under {', '.join(FIELDS[:6])}; name its place with [target] reply"
        raise GarbledReply(f"{about}: the answer {told} {where}")
    return found


def _of_events(text: str, about: str, find: Finder) -> list[str]:
    """Return the texts of server-sent events; ``[DONE]`` ends them, data that is no object, list or text is text."""
    # What was read is decoded, and counted, already: the events are taken out of a response made of it. A last event
    # that no empty line ends counts, too.
    plain = {"content-type": "text/event-stream"}
    asked = httpx2.Request("POST", "http://read")
    read = httpx2.Response(200, headers=plain, text=f"{text}\n\n", request=asked)
    texts: list[str] = []
    for event in httpx2.EventSource(read, max_event_size=None):
        if event.data.strip() == "[DONE]":
            break
        if not event.data:
            continue
        try:
            data = json.loads(event.data)
            found = find(data) if isinstance(data, dict | list | str) else event.data
        except ValueError:
            data, found = None, event.data
        except RecursionError:
            raise GarbledReply(f"{about}: an event is nested too deeply to be read") from None
        if found is None and isinstance(data, dict) and data.get("error"):
            raise GarbledReply(f"{about}: the stream ended in an error: {shorten(json.dumps(data['error']), 160)}")
        if found:
            texts.append(found)
    return texts


def calls_in(text: str) -> tuple[list[dict[str, Any]] | None, str]:
    """Return the tool calls that a JSON answer tells under ``tool_traces``, and what is wrong with them.

    ``None`` when it does not tell them.
    """
    if "tool_traces" not in text:
        return None, ""
    try:
        data = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        return None, f"tool_traces cannot be read: {shorten(str(error), 120)}" if text.lstrip().startswith("{") else ""
    if not isinstance(data, dict) or "tool_traces" not in data:
        return None, ""
    told = data["tool_traces"]
    if not isinstance(told, list):
        return None, f"tool_traces is a {type(told).__name__}; it has to be a list"
    return list(calls_told(told)), "" if len(told) <= MAX_CALLS else f"more than {MAX_CALLS} calls in one turn"


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")
