"""Chat Completions in plain data: ``Request`` -> body of ``chat.completions.create``, response -> ``Reply``.

No SDK here. What a reply holds that we have no word for travels as ``Opaque`` and goes back as it came.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tinman import clock
from tinman.errors import RequestRefused
from tinman.messages import Message, Opaque, Part, Reply, Request, Stop, Text, ToolResult, ToolSpec, ToolUse
from tinman.models.wires.reading import OURS, arguments_of, field, rebuilt_usage, served

PROVIDER = "openai"
_STOPS: Mapping[str, Stop] = {
    "stop": "end",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "refusal",
}
_READ = frozenset({"role", "content", "refusal", "tool_calls"})
_ONLY_READ = frozenset({"annotations"})


def to_body(request: Request, model: str, *, is_compatible: bool = False) -> dict[str, Any]:
    """Return the keyword arguments of ``chat.completions.create``.

    ``is_compatible`` is for servers that speak the protocol without being OpenAI: they know ``max_tokens`` only.
    ``response_schema`` becomes native structured output; ``seed`` is sent when ``send_seed`` is true; any other
    parameter stays as it is. Raises ``RequestRefused`` for a part that only another provider understands.
    """
    params = request.params
    body: dict[str, Any] = {"model": model, "messages": [m for message in request.messages for m in _sent(message)]}
    if request.tools:
        body["tools"] = [_tool(spec) for spec in request.tools]
    if "max_tokens" in params:
        body["max_tokens" if is_compatible else "max_completion_tokens"] = params["max_tokens"]
    if (schema := params.get("response_schema")) is not None:
        json_schema = {"name": "answer", "schema": schema, "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": json_schema}
    if params.get("send_seed"):
        body["seed"] = request.seed
    body.update((key, value) for key, value in params.items() if key not in OURS)
    return body


def _tool(spec: ToolSpec) -> dict[str, Any]:
    function: dict[str, Any] = {"name": spec.name, "parameters": spec.parameters}
    if spec.description:
        function["description"] = spec.description
    return {"type": "function", "function": function}


def _sent(message: Message) -> Iterator[dict[str, Any]]:
    """Yield the wire's messages for one of ours: tool results are messages of their own there."""
    if message.role == "assistant":
        yield _assistant(message)
        return
    waiting: list[Part] = []
    for part in message.parts:
        if isinstance(part, ToolResult):
            if waiting:
                yield {"role": message.role, "content": _content(waiting)}
                waiting = []
            text = f"error: {part.content}" if part.is_error else part.content
            yield {"role": "tool", "tool_call_id": part.id, "content": text}
        else:
            waiting.append(part)
    if waiting or not message.parts:
        yield {"role": message.role, "content": _content(waiting)}


def _content(parts: list[Part]) -> str | list[dict[str, Any]]:
    if not parts:
        return ""
    if len(parts) == 1 and isinstance(parts[0], Text):
        return parts[0].text
    return [_part(part) for part in parts]


def _part(part: Part) -> dict[str, Any]:
    match part:
        case Text():
            return {"type": "text", "text": part.text}
        case Opaque(provider="openai"):
            return part.data
        case Opaque():
            raise RequestRefused(f"{PROVIDER}: a message holds a part that only {part.provider} understands; remove it")
        case _:
            raise RequestRefused(
                f"{PROVIDER}: a {part.kind} part cannot stand in this message; move it to its own role"
            )


def _assistant(message: Message) -> dict[str, Any]:
    sent: dict[str, Any] = {"role": "assistant"}
    content: list[Part] = []
    for part in message.parts:
        if isinstance(part, Opaque) and part.provider == PROVIDER and "message_fields" in part.data:
            sent.update(part.data["message_fields"])
            if isinstance(sent.get("audio"), dict):
                sent["audio"] = {"id": sent["audio"].get("id")}
        elif not isinstance(part, ToolUse):
            content.append(part)
    if content or not message.calls:
        sent["content"] = _content(content)
    if message.calls:
        sent["tool_calls"] = [_sent_call(call) for call in message.calls]
    return sent


def _sent_call(call: ToolUse) -> dict[str, Any]:
    given = json.dumps(call.arguments, ensure_ascii=False) if call.malformed is None else call.malformed
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": given}}


def from_response(response: Any, request: Request) -> Reply:
    """Return the first choice of a chat completion; raises ``GarbledReply`` when the protocol is not kept.

    Without usable ``usage`` the bytes are counted as tokens and ``extra["usage_estimated"]`` says so.
    """
    response = served(response, PROVIDER)
    choice = field(field(response, "choices", list, PROVIDER), 0, dict, PROVIDER)
    said = field(choice, "message", dict, PROVIDER)
    parts: list[Part] = list(_texts(said.get("content")))
    refusal = said.get("refusal") or None
    if refusal is not None:
        parts.append(Text(text=field(said, "refusal", str, PROVIDER)))
    if said.get("tool_calls"):
        calls = field(said, "tool_calls", list, PROVIDER)
        parts.extend(_call(call, index) for index, call in enumerate(calls))
    unknown = {
        key: value for key, value in said.items() if key not in _READ | _ONLY_READ and value not in (None, [], {})
    }
    if unknown:
        parts.append(Opaque(provider=PROVIDER, data={"message_fields": unknown}))
    message = Message(role="assistant", parts=tuple(parts))
    finish = choice.get("finish_reason")
    stop = _STOPS.get(str(finish), "other")
    if refusal:
        stop = "refusal"
    elif message.calls and stop == "end":
        stop = "tool_calls"
    extra = {key: response[key] for key in ("id", "model", "service_tier") if isinstance(response.get(key), str)}
    if stop == "other":
        extra["finish_reason"] = finish
    if said.get("annotations"):
        extra["annotations"] = said["annotations"]
    if len(response["choices"]) > 1:
        extra["other_choices"] = response["choices"][1:]
    usage = rebuilt_usage(_tokens(response.get("usage"), extra), request, message, extra)
    return Reply(message=message, usage=usage, stop=stop, extra=extra)


def _texts(content: Any) -> Iterator[Part]:
    if isinstance(content, str):
        if content:
            yield Text(text=content)
    elif isinstance(content, list):
        for part in content:
            if isinstance(part, dict) and isinstance(part.get("text"), str) and part.keys() <= {"type", "text"}:
                yield Text(text=part["text"])
            else:
                yield Opaque(provider=PROVIDER, data=part if isinstance(part, dict) else {"value": part})
    elif content is not None:
        field({"content": content}, "content", str, PROVIDER)


def _call(call: Any, index: int) -> ToolUse:
    function = field({"tool_calls": call}, "tool_calls", dict, PROVIDER).get("function")
    function = field({"function": function}, "function", dict, PROVIDER)
    name = field(function, "name", str, PROVIDER)
    arguments, malformed = arguments_of(function.get("arguments"))
    given = call.get("id")
    made_id = (
        given if isinstance(given, str) and given else clock.derive_id("call", index, name, function.get("arguments"))
    )
    return ToolUse(id=made_id, name=name, arguments=arguments, malformed=malformed)


def _tokens(usage: Any, extra: dict[str, Any]) -> tuple[Any, Any]:
    """Return tokens in and out. Thinking that a server leaves out of ``completion_tokens`` is in ``total_tokens``."""
    if not isinstance(usage, dict):
        return None, None
    into, out, total = (usage.get(key) for key in ("prompt_tokens", "completion_tokens", "total_tokens"))
    if isinstance(into, int) and isinstance(out, int) and isinstance(total, int):
        out = max(out, total - into)
    details = usage.get("prompt_tokens_details")
    if isinstance(details, dict):
        cache = {"read": details.get("cached_tokens"), "write": details.get("cache_write_tokens")}
        cache = {kind: count for kind, count in cache.items() if isinstance(count, int) and count > 0}
        if cache:
            extra["cache_tokens"] = cache
    return into, out
