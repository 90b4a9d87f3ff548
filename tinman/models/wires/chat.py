"""Chat Completions in plain data: ``Request`` -> body of ``chat.completions.create``, response -> ``Reply``.

No SDK here. What a reply holds that we have no word for travels as ``Opaque`` and goes back as it came, until the
server refuses it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tinman.errors import GarbledReply, RequestRefused
from tinman.messages import Message, Opaque, Part, Reply, Request, Stop, Text, ToolResult, ToolSpec, ToolUse
from tinman.models.wires.reading import OURS, arguments_of, field, identify, limit_calls, rebuilt_usage, served
from tinman.models.wires.refusals import Form, echoed_fields
from tinman.text.visible import shorten

PROVIDER = "openai"
_BROKEN_OFF = frozenset({"error", "abort", "aborted", "cancelled", "canceled", "failed", "timeout"})
_STOPS: Mapping[str, Stop] = {
    "stop": "end",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "refusal",
}
_READ = frozenset({"role", "content", "refusal", "tool_calls", "function_call"})
_ONLY_READ = frozenset({"annotations"})
_CALL_READ = frozenset({"id", "type", "index", "function"})
_SENT = frozenset({"role", "content", "tool_calls", "id", "type", "function"})
_CAPS = ("max_tokens", "max_completion_tokens")
_NOT_TAKEN = r"un(?:supported|known|recognized|expected)|not (?:supported|permitted|allowed)|\bextra\b|\binstead\b"
_PARTS = Form("parts", re.compile(r"content\b.{0,80}\bstr(?:ing)?\b|\bstr(?:ing)?\b.{0,80}\bcontent\b", re.I | re.S))
_STRUCTURED = Form("response_format", re.compile(r"response_format|json_schema|structured|schema|grammar", re.I))


def to_body(
    request: Request, model: str, *, is_compatible: bool = False, without: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """Return the keyword arguments of ``chat.completions.create``.

    ``is_compatible`` is for servers that speak the protocol without being OpenAI: most know ``max_tokens`` only.
    ``without`` names the forms (see ``forms_in``) that the server has refused.
    ``response_schema`` becomes native structured output; ``seed`` is sent when ``send_seed`` is true; any other
    parameter stays as it is, and ``max_completion_tokens`` replaces our ``max_tokens``. Raises ``RequestRefused`` for
    a part that only another provider understands.
    """
    params = request.params
    sent = [m for message in request.messages for m in _sent(message, without)]
    body: dict[str, Any] = {"model": model, "messages": sent}
    if request.tools:
        body["tools"] = [_tool(spec) for spec in request.tools]
    if "max_tokens" in params and "max_completion_tokens" not in params:
        first, other = _CAPS if is_compatible else reversed(_CAPS)
        body[other if first in without else first] = params["max_tokens"]
    if (schema := params.get("response_schema")) is not None and "response_format" not in without:
        json_schema = {"name": "answer", "schema": schema, "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": json_schema}
    if params.get("send_seed"):
        body["seed"] = request.seed
    body.update((key, value) for key, value in params.items() if key not in OURS)
    return body


def forms_in(body: Mapping[str, Any], params: Mapping[str, Any]) -> tuple[Form, ...]:
    """Return which forms of ``body`` a server may refuse and be asked without: the request's own ``params`` are not."""
    forms = [
        Form(cap, re.compile(rf"{cap}\b.*(?:{_NOT_TAKEN})|(?:{_NOT_TAKEN}).*{cap}\b", re.I | re.S))
        for cap in _CAPS
        if cap in body and "max_completion_tokens" not in params
    ]
    if "response_schema" in params and "response_format" in body:
        forms.append(_STRUCTURED)
    if any(isinstance(message.get("content"), list) for message in body["messages"]):
        forms.append(_PARTS)
    echoed = echoed_fields(body, _SENT)
    return (*forms, echoed) if echoed is not None else tuple(forms)


def _tool(spec: ToolSpec) -> dict[str, Any]:
    function: dict[str, Any] = {"name": spec.name, "parameters": spec.parameters}
    if spec.description:
        function["description"] = spec.description
    return {"type": "function", "function": function}


def _sent(message: Message, without: frozenset[str]) -> Iterator[dict[str, Any]]:
    """Yield the wire's messages for one of ours: tool results are messages of their own there."""
    if message.role == "assistant":
        yield _assistant(message, without)
        return
    waiting: list[Part] = []
    for part in message.parts:
        if isinstance(part, ToolResult):
            if waiting:
                yield {"role": message.role, "content": _content(waiting, without)}
                waiting = []
            text = f"error: {part.content}" if part.is_error else part.content
            yield {"role": "tool", "tool_call_id": part.id, "content": text}
        else:
            waiting.append(part)
    if waiting or not message.parts:
        yield {"role": message.role, "content": _content(waiting, without)}


def _content(parts: list[Part], without: frozenset[str]) -> str | list[dict[str, Any]]:
    texts = [part.text for part in parts if isinstance(part, Text)]
    if len(texts) == len(parts) and (len(texts) < 2 or _PARTS.name in without):
        return "\n\n".join(texts)
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


def _assistant(message: Message, without: frozenset[str]) -> dict[str, Any]:
    sent: dict[str, Any] = {"role": "assistant"}
    content: list[Part] = []
    of_calls: Mapping[str, Any] = {}
    for part in message.parts:
        if isinstance(part, Opaque) and part.provider == PROVIDER and part.data.keys() & {"message_fields", "calls"}:
            if "echo" not in without:
                sent.update(part.data.get("message_fields", {}))
                of_calls = part.data.get("calls", {})
            if isinstance(sent.get("audio"), dict):
                sent["audio"] = {"id": sent["audio"].get("id")}
        elif not isinstance(part, ToolUse):
            content.append(part)
    if content or not message.calls:
        sent["content"] = _content(content, without)
    if message.calls:
        sent["tool_calls"] = [{**of_calls.get(call.id, {}), **_sent_call(call)} for call in message.calls]
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
    said = field(served(choice, PROVIDER, "choice"), "message", dict, PROVIDER)
    content = said.get("content")
    parts: list[Part] = list(_texts(content))
    refusal = _refusal_in(said, content)
    if refusal:
        parts.append(Text(text=refusal))
    of_calls: dict[str, Any] = {}
    for raw, call in _calls(said):
        parts.append(call)
        if unread := _unread(raw, _CALL_READ):
            of_calls[call.id] = unread
    kept = {"message_fields": _unread(said, _READ | _ONLY_READ), "calls": of_calls}
    if kept := {name: fields for name, fields in kept.items() if fields}:
        parts.append(Opaque(provider=PROVIDER, data=kept))
    message = Message(role="assistant", parts=tuple(parts))
    finish = choice.get("finish_reason")
    if isinstance(finish, str) and finish.lower() in _BROKEN_OFF:
        raise GarbledReply(f"{PROVIDER}: the reply broke off: its finish_reason is {shorten(finish, 40)}")
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


def _unread(holder: Mapping[str, Any], read: frozenset[str]) -> dict[str, Any]:
    return {key: value for key, value in holder.items() if key not in read and value not in (None, "", [], {})}


def _texts(content: Any) -> Iterator[Part]:
    """Yield the parts of a message's content. What a server adds to a part of text does not make it less of one."""
    if isinstance(content, str):
        if content:
            yield Text(text=content)
    elif isinstance(content, list):
        for part in content:
            if isinstance(part, str):
                yield Text(text=part)
            elif not isinstance(part, dict):
                yield Opaque(provider=PROVIDER, data={"value": part})
            elif isinstance(part.get("text"), str) and part.get("type", "text") in {"text", "output_text"}:
                yield Text(text=part["text"])
            elif part.get("type") != "refusal":
                yield Opaque(provider=PROVIDER, data=part)
    elif content is not None:
        field({"content": content}, "content", str, PROVIDER)


def _refusal_in(said: Mapping[str, Any], content: Any) -> str:
    """Return the text of a refusal, which has a field or a part of its own."""
    if said.get("refusal"):
        return field(said, "refusal", str, PROVIDER)
    parts = content if isinstance(content, list) else []
    refused = [part for part in parts if isinstance(part, dict) and part.get("type") == "refusal"]
    return "\n".join(field(part, "refusal", str, PROVIDER) for part in refused)


def _calls(said: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], ToolUse]]:
    """Yield the tool calls as they came and as ours; a server may still know one ``function_call`` only."""
    raws: list[Any] = []
    if said.get("tool_calls"):
        raws = limit_calls(field(said, "tool_calls", list, PROVIDER), PROVIDER)
    elif said.get("function_call"):
        raws = [{"function": said["function_call"]}]
    for index, raw in enumerate(raws):
        function = field({"tool_calls": raw}, "tool_calls", dict, PROVIDER).get("function")
        function = field({"function": function}, "function", dict, PROVIDER)
        name = field(function, "name", str, PROVIDER)
        arguments, malformed = arguments_of(function.get("arguments"))
        made_id = identify(raw.get("id"), index, name, function.get("arguments"))
        yield raw, ToolUse(id=made_id, name=name, arguments=arguments, malformed=malformed)


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
