"""Messages in plain data: ``Request`` -> body of ``messages.create``, response -> ``Reply``.

No SDK here. Thinking and other blocks that we have no word for travel as ``Opaque`` and go back as they came.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tinman.errors import RequestRefused
from tinman.messages import Message, Opaque, Part, Reply, Request, Stop, Text, ToolResult, ToolSpec, ToolUse
from tinman.models.wires.reading import OURS, arguments_of, field, identify, limit_calls, rebuilt_usage, served
from tinman.models.wires.refusals import Form

PROVIDER = "anthropic"
MAX_TOKENS = 1024
"""Sent when a request names none, since the protocol demands one."""

_STOPS: Mapping[str, Stop] = {
    "end_turn": "end",
    "stop_sequence": "end",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "refusal",
}
_OURS = OURS | {"stop", "output_config"}
_MALFORMED = "malformed_arguments"
_STRUCTURED = Form(
    "output_config", re.compile(r"output_config|output_format|json_schema|structured|schema|grammar", re.I)
)


def to_body(request: Request, model: str, *, without: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Return the keyword arguments of ``messages.create``; ``without`` names the forms that the server has refused.

    System messages at the start become ``system``, later ones stay where they are. ``response_schema`` becomes
    native structured output, ``stop`` becomes ``stop_sequences``; there is no seed here; any other parameter stays
    as it is. Raises ``RequestRefused`` for a part that only another provider understands.
    """
    params = request.params
    first = next((i for i, message in enumerate(request.messages) if message.role != "system"), len(request.messages))
    body: dict[str, Any] = {
        "model": model,
        "max_tokens": params.get("max_tokens", MAX_TOKENS),
        "messages": [_sent(message) for message in request.messages[first:]],
    }
    system = [part for message in request.messages[:first] for part in message.parts]
    if system:
        body["system"] = _content(system)
    if request.tools:
        body["tools"] = [_tool(spec) for spec in request.tools]
    if (stop := params.get("stop")) is not None:
        body["stop_sequences"] = [stop] if isinstance(stop, str) else list(stop)
    output_config = dict(params.get("output_config") or {})
    if (schema := params.get("response_schema")) is not None and _STRUCTURED.name not in without:
        output_config["format"] = {"type": "json_schema", "schema": schema}
    if output_config:
        body["output_config"] = output_config
    body.update((key, value) for key, value in params.items() if key not in _OURS)
    return body


def forms_in(body: Mapping[str, Any], params: Mapping[str, Any]) -> tuple[Form, ...]:
    """Return which forms of ``body`` a server may refuse and be asked without: the request's own ``params`` are not."""
    return (_STRUCTURED,) if "response_schema" in params and "output_config" in body else ()


def _tool(spec: ToolSpec) -> dict[str, Any]:
    tool: dict[str, Any] = {"name": spec.name, "input_schema": spec.parameters}
    if spec.description:
        tool["description"] = spec.description
    return tool


def _sent(message: Message) -> dict[str, Any]:
    """Return one message; the protocol wants tool results before anything else in it."""
    parts = sorted(message.parts, key=lambda part: not isinstance(part, ToolResult))
    return {"role": message.role, "content": _content(parts)}


def _content(parts: list[Part]) -> str | list[dict[str, Any]]:
    if len(parts) == 1 and isinstance(parts[0], Text):
        return parts[0].text
    return [_block(part) for part in parts]


def _block(part: Part) -> dict[str, Any]:
    match part:
        case Text():
            return {"type": "text", "text": part.text}
        case ToolUse():
            given = part.arguments if part.malformed is None else {_MALFORMED: part.malformed}
            return {"type": "tool_use", "id": part.id, "name": part.name, "input": given}
        case ToolResult():
            block: dict[str, Any] = {"type": "tool_result", "tool_use_id": part.id, "content": part.content}
            return {**block, "is_error": True} if part.is_error else block
        case Opaque(provider="anthropic"):
            return part.data
        case Opaque():
            raise RequestRefused(f"{PROVIDER}: a message holds a part that only {part.provider} understands; remove it")


def from_response(response: Any, request: Request) -> Reply:
    """Return the message; raises ``GarbledReply`` when the protocol is not kept.

    Tokens read from and written to the cache count as input. Without usable ``usage`` the bytes are counted as tokens
    and ``extra["usage_estimated"]`` says so.
    """
    response = served(response, PROVIDER)
    blocks = field(response, "content", list, PROVIDER)
    extra: dict[str, Any] = {key: response[key] for key in ("id", "model") if isinstance(response.get(key), str)}
    limit_calls([block for block in blocks if isinstance(block, dict) and block.get("type") == "tool_use"], PROVIDER)
    parts = tuple(_part(block, index, extra) for index, block in enumerate(blocks))
    message = Message(role="assistant", parts=parts)
    reason = response.get("stop_reason")
    stop = _STOPS.get(str(reason), "other")
    if stop == "other":
        extra["finish_reason"] = reason
    if response.get("stop_details"):
        extra["stop_details"] = response["stop_details"]
    usage = rebuilt_usage(_tokens(response.get("usage"), extra), request, message, extra)
    return Reply(message=message, usage=usage, stop=stop, extra=extra)


def _part(block: Any, index: int, extra: dict[str, Any]) -> Part:
    block = field({"content": block}, "content", dict, PROVIDER)
    match block.get("type"):
        case "text":
            if block.get("citations"):
                extra.setdefault("citations", []).append(block["citations"])
            return Text(text=field(block, "text", str, PROVIDER))
        case "tool_use":
            given, name = block.get("input"), field(block, "name", str, PROVIDER)
            arguments, malformed = arguments_of(given)
            made_id = identify(block.get("id"), index, name, given)
            return ToolUse(id=made_id, name=name, arguments=arguments, malformed=malformed)
        case _:
            return Opaque(provider=PROVIDER, data=block)


def _tokens(usage: Any, extra: dict[str, Any]) -> tuple[Any, Any]:
    if not isinstance(usage, dict):
        return None, None
    into = usage.get("input_tokens")
    read, write = (_count(usage.get(f"cache_{kind}_input_tokens")) for kind in ("read", "creation"))
    lasting = usage.get("cache_creation")
    write_1h = min(write, _count(lasting.get("ephemeral_1h_input_tokens"))) if isinstance(lasting, dict) else 0
    cache = {"read": read, "write": write - write_1h, "write_1h": write_1h}
    if read or write:
        extra["cache_tokens"] = {kind: count for kind, count in cache.items() if count}
    return (into + read + write if isinstance(into, int) else None), usage.get("output_tokens")


def _count(value: Any) -> int:
    return value if type(value) is int and value > 0 else 0
