"""Loops with the real clients, through real HTTP, against a server that misbehaves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from loopback import Behaviour, Call, Cut, Hang, Reset, Say, Status, serve
from loops import Counting, a_loop

from tinman.loop import AnthropicLLM, OpenAILLM

BOTH = pytest.mark.parametrize("provider", ["openai", "anthropic"])


def client(provider: str, url: str, timeout_s: float = 5.0) -> Any:
    kind = OpenAILLM if provider == "openai" else AnthropicLLM
    return kind("m", timeout_s, base_url=url, api_key="secret-key-1234")


def playing(*behaviours: Behaviour) -> Any:
    """Return a script that behaves in turn, the last way for ever."""
    turns: Iterator[Behaviour] = iter(behaviours)
    last = behaviours[-1]
    return lambda asked: next(turns, last)


@BOTH
async def test_tools_are_offered_and_called(provider: str) -> None:
    work = Counting()
    async with serve(playing(Call("work", '{"n": 7}'), Say("done"))) as server:
        loop = a_loop(client(provider, server.base_url(provider)), [work.tool], max_iterations=2)
        result = await loop.arun()

    assert (result.status, work.calls) == ("BUDGET_EXHAUSTED", [7])
    assert result.metrics.total_tokens == 14
    offered = server.requests[0]["tools"][0]
    assert (offered.get("name") or offered["function"]["name"]) == "work"
    sent = server.requests[0]
    assert 0 < (sent.get("max_tokens") or sent["max_completion_tokens"]) <= 4096
    assert "work({" in str(server.requests[1]["messages"])


@BOTH
async def test_arguments_that_are_no_object_run_nothing_and_are_told(provider: str) -> None:
    work = Counting()
    async with serve(playing(Call("work", '{"n": '), Call("work", '{"n": 1}'))) as server:
        loop = a_loop(client(provider, server.base_url(provider)), [work.tool], max_iterations=1)
        await loop.arun()

    assert work.calls == [1]
    assert "None of these calls was made" in str(server.requests[1]["messages"])


@BOTH
@pytest.mark.parametrize("mishap", [Status(429), Status(503), Reset(), Cut()], ids=["429", "503", "reset", "cut"])
async def test_a_mishap_is_tried_again(provider: str, mishap: Behaviour) -> None:
    work = Counting()
    async with serve(playing(mishap, Call("work", "{}"))) as server:
        loop = a_loop(client(provider, server.base_url(provider)), [work.tool], max_iterations=1)
        result = await loop.arun()

    assert (result.status, work.calls, len(server.requests)) == ("BUDGET_EXHAUSTED", [0], 2)


@BOTH
@pytest.mark.parametrize(("code", "error"), [(401, "KeyRefused"), (400, "RequestRefused")])
async def test_what_would_fail_again_ends_it_and_no_key_is_shown(provider: str, code: int, error: str) -> None:
    async with serve(playing(Status(code, message="bad secret-key-1234"))) as server:
        result = await a_loop(client(provider, server.base_url(provider))).arun()

    assert (result.status, result.error, len(server.requests)) == ("ERROR", error, 1)
    assert "secret-key-1234" not in result.reason


@BOTH
async def test_a_server_that_never_answers_ends_with_the_wall_clock(provider: str) -> None:
    async with serve(playing(Hang())) as server:
        result = await a_loop(client(provider, server.base_url(provider)), wall_clock_s=0.3).arun()

    assert result.status == "BUDGET_EXHAUSTED"
    assert "wall_clock_s (0.3)" in result.reason


@BOTH
def test_one_client_serves_several_event_loops(provider: str) -> None:
    """Each ``run()`` has an event loop of its own; the connections of the last one are closed with it."""
    import anyio

    async def serving() -> None:
        async with serve(playing(Say("hello"))) as server:
            llm = client(provider, server.base_url(provider))

            def twice() -> list[str]:
                return [str(a_loop(llm, max_iterations=1).run().status) for _ in range(2)]

            assert await anyio.to_thread.run_sync(twice) == ["BUDGET_EXHAUSTED"] * 2

    anyio.run(serving)
