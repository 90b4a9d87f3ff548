"""The loopback server: each assistant under a prefix of its own, as chat completions and as a plain endpoint."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from benchmarks.planted.assistant import Assistant
from benchmarks.planted.mind import Mind
from benchmarks.planted.replies import Reply

MOST_ROUNDS = 8
_CHARACTERS_A_TOKEN = 4


@dataclass
class Bench:
    """The minds behind a server; ``root`` is its address once it is served."""

    minds: dict[str, Mind]
    root: str = ""
    sessions: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    in_flight: int = 0

    @classmethod
    def of(cls, roster: Iterable[Assistant], *, seed: int = 0) -> Bench:
        """Return a bench of these assistants, with nothing asked yet."""
        return cls({assistant.name: Mind(assistant, seed) for assistant in roster})

    def converse(self, name: str, session: str, text: str) -> tuple[str, list[dict[str, Any]], float]:
        """Take a turn of a conversation that the bench keeps, with its tools; return text, traces, seconds to wait."""
        mind = self.minds[name]
        said = self.sessions.setdefault(f"{name}/{session}", [])
        said.append({"role": "user", "content": text})
        stubs = {stub.name: stub for stub in mind.assistant.tools}
        offered = [
            {"type": "function", "function": {"name": s.name, "description": s.description, "parameters": s.parameters}}
            for s in stubs.values()
        ]
        traces: list[dict[str, Any]] = []
        waited = 0.0
        for number in range(MOST_ROUNDS):
            reply, _ = mind.reply({"messages": said, "tools": offered}, session=session)
            waited += reply.delay_seconds
            if not reply.calls or number == MOST_ROUNDS - 1:
                break
            said.append(_message(reply, len(said)))
            for place, call in enumerate(reply.calls):
                stub = stubs.get(call.name)
                before = sum(trace["tool_name"] == call.name for trace in traces)
                told = (
                    stub.results[min(before, len(stub.results) - 1)].content if stub else f"error: no tool {call.name}"
                )
                traces.append({"tool_name": call.name, "arguments": dict(call.arguments)})
                said.append({"role": "tool", "tool_call_id": f"call_{len(said) - 1 - place}_{place}", "content": told})
        said.append({"role": "assistant", "content": reply.text})
        return reply.text, traces, waited


def _message(reply: Reply, number: int) -> dict[str, Any]:
    if not reply.calls:
        return {"role": "assistant", "content": reply.text}
    calls = [
        {
            "id": f"call_{number}_{place}",
            "type": "function",
            "function": {"name": call.name, "arguments": json.dumps(dict(call.arguments), ensure_ascii=False)},
        }
        for place, call in enumerate(reply.calls)
    ]
    return {"role": "assistant", "content": reply.text or None, "tool_calls": calls}


def completion(reply: Reply, asked: str, *, model: str, most_tokens: int) -> dict[str, Any]:
    """Return a reply as a chat completion, cut at ``most_tokens``, with plausible usage."""
    message = _message(reply, len(asked))
    finish = "tool_calls" if reply.calls else reply.finish
    text = str(message["content"] or "")
    if not reply.calls and len(text) > most_tokens * _CHARACTERS_A_TOKEN:
        message["content"] = text = text[: most_tokens * _CHARACTERS_A_TOKEN]
        finish = "length"
    told = len(text) + len(json.dumps(message.get("tool_calls", "")))
    tokens = (1 + len(asked) // _CHARACTERS_A_TOKEN, 1 + told // _CHARACTERS_A_TOKEN)
    return {
        "id": "chatcmpl-planted",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)},
    }


@asynccontextmanager
async def serve(bench: Bench, port: int = 0) -> AsyncIterator[Bench]:
    """Serve a bench on this machine until the block ends; ``port`` 0 takes a free one."""
    app = web.Application(client_max_size=256 * 2**20)

    def mind_of(request: web.Request) -> Mind:
        mind = bench.minds.get(request.match_info["name"])
        if mind is None:
            raise web.HTTPNotFound(text=f"no assistant {request.match_info['name']}")
        return mind

    async def chat(request: web.Request) -> web.Response:
        mind, body = mind_of(request), await request.json()
        bench.in_flight += 1
        try:
            reply, _ = mind.reply(body, in_flight=bench.in_flight)
        except ValueError as error:
            return web.json_response({"error": {"message": str(error), "type": "invalid_request_error"}}, status=400)
        finally:
            bench.in_flight -= 1
        if reply.delay_seconds:
            await asyncio.sleep(reply.delay_seconds)
        if reply.status != 200:
            return web.json_response({"error": {"message": reply.text, "type": "server_error"}}, status=reply.status)
        most = int(body.get("max_tokens") or body.get("max_completion_tokens") or 4096)
        shown = json.dumps([body["messages"], body.get("tools") or ""])
        return web.json_response(completion(reply, shown, model=str(body.get("model", "")), most_tokens=most))

    async def ask(request: web.Request) -> web.Response:
        name, body = mind_of(request).assistant.name, await request.json()
        text, traces, waited = bench.converse(name, str(body.get("session", "")), str(body.get("text", "")))
        if waited:
            await asyncio.sleep(waited)
        return web.json_response({"reply": text, "tool_traces": traces})

    async def models(request: web.Request) -> web.Response:
        name = mind_of(request).assistant.name
        return web.json_response({"object": "list", "data": [{"id": name, "object": "model"}]})

    app.router.add_post("/{name}/v1/chat/completions", chat)
    app.router.add_get("/{name}/v1/models", models)
    app.router.add_post("/{name}/ask", ask)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        bench.root = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield bench
    finally:
        await runner.cleanup()
