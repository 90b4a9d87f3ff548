"""What stands between us and a model does not cost a turn: long headers, kept connections, a moment of overload."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from tinman.errors import RateLimited
from tinman.messages import Request, say
from tinman.models.limiter import ProviderLimiter
from tinman.models.openai_client import OpenAIModel
from tinman.models.retried import Patience, RetriedModel
from tinman.targets.chat import ChatTarget
from tinman.testing import ScriptedModel

SAID = {"role": "assistant", "content": "hello"}
COMPLETION = {
    "id": "c",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": SAID, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}
ASKED = Request(messages=(say("user", "hi"),))


@asynccontextmanager
async def serving(closes: Callable[[int, int], bool], header: str = "") -> AsyncIterator[tuple[str, list[int]]]:
    """Serve completions; ``closes(connection, request)`` says which request gets no answer. Yields what was asked."""
    asked: list[int] = []
    body = json.dumps(COMPLETION)
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{header}\r\n"
    connections: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(len(connections))
        own = connections[-1]
        try:
            for number in range(100):
                told = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                await reader.readexactly(int(told.partition("content-length: ")[2].split()[0]))
                asked.append(own)
                if closes(own, number):
                    break
                writer.write((head + body).encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", asked
    finally:
        server.close()


async def test_a_header_of_a_hundred_kilobytes_makes_no_server_unreachable() -> None:
    async with serving(lambda *_: False, f"X-Policy: {'a' * 100_000}\r\n") as (url, _):
        model = OpenAIModel("m", base_url=url, api_key="k")
        assert (await model.complete(ASKED)).message.text == "hello"
        await model.aclose()


async def test_a_kept_connection_that_the_server_closes_loses_no_call_where_calls_are_tried_again() -> None:
    async with serving(lambda connection, number: number > 0) as (url, asked):
        model = RetriedModel(OpenAIModel("m", base_url=url, api_key="k"), 1)
        for _ in range(2):
            assert (await model.complete(ASKED)).message.text == "hello"
        await model.aclose()

    assert asked == [0, 0, 1]


@pytest.mark.parametrize(("retries", "is_answered"), [(1, True), (0, False)])
async def test_scenarios_are_as_patient_as_the_profile_says(retries: int, is_answered: bool) -> None:
    model = ScriptedModel(RateLimited("slow", retry_after_seconds=0.0), "hello")
    target = ChatTarget(model).metered(Patience(retries, ProviderLimiter()))
    assert isinstance(target.model, RetriedModel)
    assert target.fingerprint == ChatTarget(model).fingerprint
    if is_answered:
        assert (await target.model.complete(ASKED)).message.text == "hello"
    else:
        with pytest.raises(RateLimited):
            await target.model.complete(ASKED)
