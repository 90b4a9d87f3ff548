"""The sandbox behind a real server: what it is asked over either wire is read back into a ``Request``."""

from __future__ import annotations

import json
import sys
from typing import Any

import anyio
from loopback import Call, Say, serve

from tinman.clock import derive_seed
from tinman.frozen import canonical_json
from tinman.messages import Message, Part, Reply, Request, Text, ToolResult, ToolSpec, ToolUse
from tinman.targets.sandbox.model import SandboxModel


def _texts(content: Any) -> list[Part]:
    if isinstance(content, str):
        return [Text(text=content)]
    return [Text(text=block["text"]) for block in content or [] if block.get("type") == "text"]


def from_chat(body: dict[str, Any]) -> Request:
    """Return the request behind a Chat Completions body."""
    messages: list[Message] = []
    names: dict[str, str] = {}
    for sent in body["messages"]:
        if sent["role"] == "tool":
            text = sent["content"]
            is_error = text.startswith("error: ")
            result = ToolResult(
                id=sent["tool_call_id"],
                name=names.get(sent["tool_call_id"], ""),
                content=text.removeprefix("error: "),
                is_error=is_error,
            )
            messages.append(Message(role="user", parts=(result,)))
            continue
        parts = _texts(sent.get("content"))
        for call in sent.get("tool_calls") or []:
            names[call["id"]] = call["function"]["name"]
            arguments = json.loads(call["function"]["arguments"])
            parts.append(ToolUse(id=call["id"], name=call["function"]["name"], arguments=arguments))
        messages.append(Message(role=sent["role"], parts=tuple(parts)))
    tools = tuple(
        ToolSpec(
            name=tool["function"]["name"],
            description=tool["function"].get("description", ""),
            parameters=tool["function"]["parameters"],
        )
        for tool in body.get("tools", [])
    )
    return _request(body, tuple(messages), tools)


def from_messages(body: dict[str, Any]) -> Request:
    """Return the request behind a Messages body."""
    messages: list[Message] = []
    if body.get("system"):
        messages.append(Message(role="system", parts=tuple(_texts(body["system"]))))
    names: dict[str, str] = {}
    for sent in body["messages"]:
        parts: list[Part] = []
        content = sent["content"]
        for block in [{"type": "text", "text": content}] if isinstance(content, str) else content:
            match block["type"]:
                case "text":
                    parts.append(Text(text=block["text"]))
                case "tool_use":
                    names[block["id"]] = block["name"]
                    parts.append(ToolUse(id=block["id"], name=block["name"], arguments=block["input"]))
                case "tool_result":
                    (content,) = _texts(block["content"]) or [Text(text="")]
                    parts.append(
                        ToolResult(
                            id=block["tool_use_id"],
                            name=names.get(block["tool_use_id"], ""),
                            content=content.text,
                            is_error=bool(block.get("is_error")),
                        )
                    )
        messages.append(Message(role=sent["role"], parts=tuple(parts)))
    tools = tuple(
        ToolSpec(name=tool["name"], description=tool.get("description", ""), parameters=tool["input_schema"])
        for tool in body.get("tools", [])
    )
    return _request(body, tuple(messages), tools)


def _request(body: dict[str, Any], messages: tuple[Message, ...], tools: tuple[ToolSpec, ...]) -> Request:
    limit = body.get("max_tokens") or body.get("max_completion_tokens")
    seed = derive_seed(0, canonical_json(body["messages"]))
    return Request(messages=messages, tools=tools, params={"max_tokens": limit} if limit else {}, seed=seed)


def answer(body: dict[str, Any], model: SandboxModel, *, is_chat: bool) -> Say | Call:
    """Return the sandbox's behaviour: a text, or its first call."""
    steps = model.complete(from_chat(body) if is_chat else from_messages(body))
    try:
        steps.send(None)
    except StopIteration as stop:
        reply: Reply = stop.value
    if reply.message.calls:
        use = reply.message.calls[0]
        return Call(use.name, json.dumps(use.arguments))
    return Say(reply.message.text, finish="length" if reply.stop == "length" else "stop")


def main() -> None:
    """Serve the sandbox as Chat Completions until killed; print the address first."""

    async def forever() -> None:
        model = SandboxModel()
        async with serve(lambda body: answer(body, model, is_chat=True)) as server:
            sys.stdout.write(f"{server.root}\n")
            sys.stdout.flush()
            await anyio.sleep_forever()

    anyio.run(forever)
