"""A real HTTP server on this machine that speaks Chat Completions and Messages, and misbehaves as told.

``async with serve(script) as server``: ``script`` gets each request's JSON and returns a behaviour.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import anyio
from aiohttp import web


@dataclass(frozen=True)
class Say:
    """A good reply of this text, ended for ``finish`` (``stop``, ``length``, ``refusal``)."""

    text: str = "hello"
    finish: str = "stop"
    tokens: tuple[int, int] | None = (5, 2)
    delay_seconds: float = 0.0


@dataclass(frozen=True)
class Call:
    """A good reply that calls one tool; ``arguments`` is the text the model wrote."""

    name: str
    arguments: str = "{}"


@dataclass(frozen=True)
class Status:
    """An HTTP error with the provider's usual body."""

    code: int
    headers: Mapping[str, str] = field(default_factory=dict)
    message: str = "no"
    error_code: str | None = None


@dataclass(frozen=True)
class Body:
    """These bytes under status 200, whatever they are."""

    content: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Raw:
    """This JSON under this status."""

    code: int
    data: Any


@dataclass(frozen=True)
class Cut:
    """Announces more bytes than it sends, then closes the connection."""

    content: bytes = b'{"id": "x", "cho'


@dataclass(frozen=True)
class Reset:
    """Breaks the connection without a word."""


@dataclass(frozen=True)
class Hang:
    """Answers only when the client is gone."""


Behaviour: TypeAlias = Say | Call | Status | Body | Raw | Cut | Reset | Hang
Script: TypeAlias = Callable[[dict[str, Any]], Behaviour]


@dataclass
class Loopback:
    """The running server: its address, and what it was asked so far."""

    root: str
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    in_flight: int = 0
    peak: int = 0

    @property
    def openai_url(self) -> str:
        return f"{self.root}/v1"

    def base_url(self, provider: str) -> str:
        return self.openai_url if provider == "openai" else self.root


def chat_completion(behaviour: Say | Call) -> dict[str, Any]:
    """Return the behaviour as a chat completion."""
    message: dict[str, Any] = {"role": "assistant", "content": None}
    finish = "tool_calls"
    if isinstance(behaviour, Call):
        function = {"name": behaviour.name, "arguments": behaviour.arguments}
        message["tool_calls"] = [{"id": "call_1", "type": "function", "function": function}]
    else:
        finish = "stop" if behaviour.finish == "refusal" else behaviour.finish
        message["refusal" if behaviour.finish == "refusal" else "content"] = behaviour.text
    reply: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
    }
    tokens = (5, 2) if isinstance(behaviour, Call) else behaviour.tokens
    if tokens is not None:
        reply["usage"] = {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)}
    return reply


def anthropic_message(behaviour: Say | Call) -> dict[str, Any]:
    """Return the behaviour as an Anthropic message."""
    tokens: tuple[int, int] | None
    if isinstance(behaviour, Call):
        try:
            given = json.loads(behaviour.arguments)
        except ValueError:
            given = behaviour.arguments
        content = [{"type": "tool_use", "id": "toolu_1", "name": behaviour.name, "input": given}]
        reason, tokens = "tool_use", (5, 2)
    else:
        content = [{"type": "text", "text": behaviour.text}]
        reason = {"stop": "end_turn", "length": "max_tokens"}.get(behaviour.finish, behaviour.finish)
        tokens = behaviour.tokens
    reply: dict[str, Any] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": content,
        "stop_reason": reason,
    }
    if tokens is not None:
        reply["usage"] = {"input_tokens": tokens[0], "output_tokens": tokens[1]}
    return reply


@asynccontextmanager
async def serve(script: Script) -> AsyncIterator[Loopback]:
    """Serve ``script`` on a free port of this machine until the block ends; nothing outlives it."""
    server = Loopback(root="")
    gone = asyncio.Event()
    transports: set[asyncio.Transport] = set()

    async def answer(request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        server.requests.append(asked)
        server.headers.append(dict(request.headers))
        server.queries.append(request.query_string)
        transports.add(_transport(request))
        server.in_flight += 1
        server.peak = max(server.peak, server.in_flight)
        try:
            return await _behave(request, script(asked))
        finally:
            server.in_flight -= 1

    async def _behave(request: web.Request, behaviour: Behaviour) -> web.StreamResponse:
        is_chat = request.path.endswith("/chat/completions")
        match behaviour:
            case Say() | Call():
                if isinstance(behaviour, Say) and behaviour.delay_seconds:
                    await asyncio.sleep(behaviour.delay_seconds)
                return web.json_response(chat_completion(behaviour) if is_chat else anthropic_message(behaviour))
            case Status():
                error = {"message": behaviour.message, "type": "error", "code": behaviour.error_code}
                return web.json_response({"error": error}, status=behaviour.code, headers=behaviour.headers)
            case Body():
                return web.Response(body=behaviour.content, content_type="application/json", headers=behaviour.headers)
            case Raw():
                return web.json_response(behaviour.data, status=behaviour.code)
            case Cut():
                response = web.StreamResponse(headers={"Content-Length": "1000", "Content-Type": "application/json"})
                await response.prepare(request)
                await response.write(behaviour.content)
                _transport(request).close()
                return response
            case Reset():
                _transport(request).abort()
                return web.Response()
            case Hang():
                await gone.wait()
                return web.Response()

    app = web.Application()
    app.router.add_post("/v1/chat/completions", answer)
    app.router.add_post("/v1/messages", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    server.root = f"http://{host}:{port}"
    try:
        yield server
    finally:
        gone.set()
        with anyio.CancelScope(shield=True):
            await runner.cleanup()
            for transport in transports:
                transport.abort()
            await asyncio.sleep(0)


def _transport(request: web.Request) -> asyncio.Transport:
    assert isinstance(request.transport, asyncio.Transport)
    return request.transport
