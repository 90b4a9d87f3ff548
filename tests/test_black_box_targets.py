"""Callables, programs and HTTP endpoints as targets: what they answer is told, what they do wrong is named."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from aiohttp import web

from tinman.errors import (
    ConfigError,
    GarbledReply,
    KeyRefused,
    ProviderTimeout,
    ProviderUnavailable,
    RateLimited,
    RequestRefused,
    TargetError,
)
from tinman.messages import Request, say
from tinman.targets.base import Target
from tinman.targets.load import as_target, load_target
from tinman.targets.profile import TargetProfile
from tinman.targets.world import World

pytestmark = pytest.mark.slow


async def answer(target: Target, *texts: str, session: str = "s1") -> str:
    """Return the answer to the last of ``texts``, said one after the other in one conversation."""
    async with target.open(user="u1", session=session, world=World()) as conversation:
        for text in texts:
            reply = await conversation.send(Request(messages=(say("user", text),), session=session))
    return reply.message.text


# -- callables -------------------------------------------------------------------------------------------------------

BOT = """
import os, sys, time

def plain(text): return text.upper()
async def slow(text): return text[::-1]
def named(user_text, session_id, user_id): return f"{user_text} {session_id} {user_id}"
def raises(text): raise LookupError("no \\x1b[31morder")
def leaves(text): sys.exit(0)
def dies(text): os._exit(3)
def mute(text): return None
def mapping(text): return {"reply": "x"}
def hangs(text):
    with open("pid", "w") as file: file.write(str(os.getpid()))
    time.sleep(600)
"""


@pytest.fixture
def bot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Target]:
    (tmp_path / "bot.py").write_text(BOT)
    monkeypatch.chdir(tmp_path)
    return lambda name: load_target(TargetProfile(spec=f"bot.py:{name}"), {})


@pytest.mark.parametrize(("name", "said"), [("plain", "HELLO"), ("slow", "olleh"), ("named", "hello s1 u1")])
async def test_a_callable_named_by_path_answers(bot: Callable[[str], Target], name: str, said: str) -> None:
    assert await answer(bot(name), "hello") == said


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("raises", "LookupError"),
        ("leaves", "exit"),
        ("dies", "process died"),
        ("mute", "NoneType"),
        ("mapping", "dict"),
    ],
)
async def test_what_a_callable_does_wrong_is_a_target_error_and_the_next_call_works(
    bot: Callable[[str], Target], name: str, told: str
) -> None:
    with pytest.raises(TargetError, match=told):
        await answer(bot(name), "hello")
    assert await answer(bot("plain"), "still here") == "STILL HERE"


async def test_a_callable_that_hangs_is_killed_with_its_process(bot: Callable[[str], Target], tmp_path: Path) -> None:
    with anyio.move_on_after(30) as scope:
        async with anyio.create_task_group() as group:
            group.start_soon(answer, bot("hangs"), "hello")
            await written(tmp_path / "pid")
            group.cancel_scope.cancel()
    assert not scope.cancelled_caught
    pid = int((tmp_path / "pid").read_text())
    for _ in range(100):
        if is_gone(pid):
            return
        await anyio.sleep(0.02)
    pytest.fail("the worker process outlived its call")


async def written(place: Path) -> None:
    """Wait for a file that another process writes."""
    while not place.exists() or not place.read_text():  # noqa: ASYNC110 - it is another process
        await anyio.sleep(0.02)


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "Z (zombie)" in status.read_text()


async def test_live_callables_sync_and_async_answer_and_errors_are_named() -> None:
    async def polite(text: str) -> str:
        return f"{text}, please"

    def broken(text: str) -> str:
        raise KeyError(text)

    assert await answer(as_target(str.title), "hello there") == "Hello There"
    assert await answer(as_target(polite), "tea") == "tea, please"
    with pytest.raises(TargetError, match="KeyError"):
        await answer(as_target(broken), "x")
    with pytest.raises(ConfigError, match="cannot be tested"):
        as_target(42)


# -- programs --------------------------------------------------------------------------------------------------------


def program(code: str, *arguments: str) -> Target:
    line = " ".join([f"command:{sys.executable}", "-c", f"'{code}'", *arguments])
    return load_target(TargetProfile(spec=line), {})


async def test_a_program_reads_its_turn_from_standard_input_or_as_one_argument() -> None:
    hostile = "$(touch owned); `x` 'quoted' \"and\" | more\n"
    echo = program("import sys; print(sys.stdin.read())")
    named = program("import sys; print(sys.argv[1:])", "{text}", "{session}", "{user}")

    assert await answer(echo, hostile) == hostile.strip()
    assert await answer(named, hostile) == str([hostile, "s1", "u1"])
    assert not Path("owned").exists()


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ('import sys; sys.stderr.write("out of paper"); sys.exit(4)', "exit code 4: out of paper"),
        ("import os; os.kill(os.getpid(), 9)", "exit code -9"),
        ('print("x" * 5_000_000)', "more than"),
    ],
)
async def test_a_program_that_fails_or_floods_is_a_target_error(code: str, told: str) -> None:
    with pytest.raises(TargetError, match=told):
        await answer(program(code), "hello")


async def test_a_program_that_hangs_is_killed_with_all_it_started(tmp_path: Path) -> None:
    place = tmp_path / "child"
    code = (
        'import subprocess, time; p = subprocess.Popen(["sleep", "600"]); '
        f'open("{place}", "w").write(str(p.pid)); time.sleep(600)'
    )
    with anyio.move_on_after(30):
        async with anyio.create_task_group() as group:
            group.start_soon(answer, program(code), "hello")
            await written(place)
            group.cancel_scope.cancel()
    child = int(place.read_text())
    for _ in range(100):
        if is_gone(child):
            return
        await anyio.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    pytest.fail("a grandchild outlived the call")


async def test_a_missing_program_is_said_before_the_first_turn() -> None:
    with pytest.raises(ConfigError, match="no-such-program"):
        await load_target(TargetProfile(spec="command:no-such-program {text}"), {}).preflight()


# -- HTTP ------------------------------------------------------------------------------------------------------------

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def served(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/chat", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}/chat"
    finally:
        await runner.cleanup()


async def asked(handler: Handler, *, timeout_seconds: float = 5.0) -> str:
    async with served(handler) as url:
        target = load_target(TargetProfile(spec=url, timeout_seconds=timeout_seconds), {})
        try:
            await target.preflight()
            return await answer(target, "hello")
        finally:
            await target.aclose()


def replies(text: str | bytes, *, kind: str = "application/json", status: int = 200, **headers: str) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        body = text.encode() if isinstance(text, str) else text
        return web.Response(body=body, content_type=kind, status=status, headers=headers)

    return handler


EVENTS = 'data: {"delta": "Good "}\n\ndata: {"choices": [{"delta": {"content": "day"}}]}\n\ndata: [DONE]\n\n'


@pytest.mark.parametrize(
    ("handler", "said"),
    [
        (replies('{"reply": "Good day"}'), "Good day"),
        (replies('{"message": {"role": "assistant", "content": "Good day"}}'), "Good day"),
        (replies('{"choices": [{"message": {"content": "Good day"}}]}'), "Good day"),
        (replies('{"content": [{"type": "text", "text": "Good day"}]}'), "Good day"),
        (replies('"Good day"'), "Good day"),
        (replies("Good day", kind="text/plain"), "Good day"),
        (replies(EVENTS, kind="text/event-stream"), "Good day"),
        (replies(EVENTS.replace("\n", "\r\n"), kind="text/event-stream"), "Good day"),
        (replies(": ping\n\nevent: word\ndata: Good\ndata:  day\n\ndata: {", kind="text/event-stream"), "Good\n day{"),
    ],
)
async def test_the_usual_shapes_of_an_answer_are_understood(handler: Handler, said: str) -> None:
    assert await asked(handler) == said


async def test_a_turn_is_posted_with_message_session_and_user() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.json_response({"reply": json.dumps(await request.json(), sort_keys=True)})

    assert json.loads(await asked(handler)) == {"message": "hello", "session": "s1", "user": "u1"}


@pytest.mark.parametrize(
    ("handler", "error"),
    [
        (replies("no", status=401), KeyRefused),
        (replies("no", status=403), KeyRefused),
        (replies("slow down", status=429), RateLimited),
        (replies("no such path", status=404), RequestRefused),
        (replies("", status=302, Location="http://127.0.0.1:1/"), RequestRefused),
        (replies("\x1b[31mtrace", status=500), ProviderUnavailable),
        (replies('{"reply": '), GarbledReply),
        (replies('{"status": 7}'), GarbledReply),
        (replies(b"x" * 9_000_000, kind="text/plain"), GarbledReply),
    ],
    ids=["401", "403", "429", "404", "302", "500", "cut", "no text", "flood"],
)
async def test_each_way_to_fail_has_its_error(handler: Handler, error: type[Exception]) -> None:
    with pytest.raises(error) as raised:
        await asked(handler)
    assert "127.0.0.1" in str(raised.value)


@pytest.mark.parametrize(("header", "seconds"), [("2", 2.0), ("0.25", 0.25), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0)])
async def test_a_waiting_time_whole_or_fractional_is_heard(header: str, seconds: float) -> None:
    handler = replies("slow down", status=429, **{"Retry-After": header})
    with pytest.raises(RateLimited) as raised:
        await asked(handler)
    assert raised.value.retry_after_seconds == seconds


async def test_an_endpoint_that_hangs_times_out() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(60)
        return web.Response()

    started = time.monotonic()
    with pytest.raises(ProviderTimeout):
        await asked(handler, timeout_seconds=0.2)
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("url", ["http://", "http:///path", "http://127.0.0.1:99999/", "http://[::1/"])
def test_an_address_that_is_none_is_a_setting_to_mend(url: str) -> None:
    with pytest.raises(ConfigError):
        load_target(TargetProfile(spec=url), {})
