"""A question that goes out by webhook is sign, and only a sign and fresh answer comes back as one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from loops import Counting, again, place_of, playing, says

from tinman import clock
from tinman.config.modes import Mode
from tinman.errors import ApprovalError, LoopConfigError
from tinman.loop import Loop, RequireApproval
from tinman.loop.webhook import SIGNATURE, TIMESTAMP, WebhookApprovalRunner, read_answer, sign
from tinman.review import Action, ApprovalRequest, ExperimentDetails
from tinman.taxonomy import RiskTier

SECRET = b"0123456789abcdef-shared"
EVERYWHERE = pytest.mark.parametrize("kind", ["file", "db"])


@asynccontextmanager
async def receiving(*statuses: int) -> AsyncIterator[tuple[str, list[tuple[bytes, dict[str, str]]]]]:
    """Serve an address that answers with ``statuses`` in turn, the last one for ever."""
    got: list[tuple[bytes, dict[str, str]]] = []

    async def take(request: web.Request) -> web.Response:
        got.append((await request.read(), dict(request.headers)))
        return web.Response(status=statuses[min(len(got), len(statuses)) - 1])

    app = web.Application()
    app.router.add_post("/ask", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/ask", got
    finally:
        await runner.cleanup()


def settings_for(url: str, work: Counting, folder: Path) -> dict[str, Any]:
    return {
        "tools": [work.tool],
        "policies": [RequireApproval({"work"})],
        "approval_runner": WebhookApprovalRunner(url, SECRET, backoff_s=0.0),
        "quiet": True,
        "max_iterations": 1,
    }


def answer(token: str, *, approved: bool = True, at: float | None = None, secret: bytes = SECRET) -> Any:
    body = json.dumps({"token": token, "approved": approved}).encode()
    timestamp = f"{clock.now().timestamp() if at is None else at:.0f}"
    return body, {TIMESTAMP: timestamp, SIGNATURE: sign(secret, timestamp, body)}


@EVERYWHERE
async def test_the_question_arrives_signed_and_its_answer_runs_the_action(kind: str, tmp_path: Path) -> None:
    work = Counting()
    async with receiving(503, 200) as (url, got):
        settings = settings_for(url, work, tmp_path)
        plan = playing(says("", ("work", {"n": 4})))
        waiting = await Loop("g", llm=plan, **place_of(kind, tmp_path), **settings).arun()
        body, headers = got[-1]
        asked = json.loads(body)

        assert (waiting.status, len(got)) == ("AWAITING_APPROVAL", 2)
        assert headers[SIGNATURE] == sign(SECRET, headers[TIMESTAMP], body)
        assert (asked["tool"], asked["arguments"], asked["token"]) == ("work", {"n": 4}, waiting.approval_token)

        said = read_answer(*answer(asked["token"]), SECRET)
        names, place = again(kind, tmp_path, waiting.loop_id)
        result = await Loop.aresume(*names, llm=playing("x"), approval=said, **place, **settings)

    assert (result.status, work.calls) == ("BUDGET_EXHAUSTED", [4])


@EVERYWHERE
async def test_in_a_changed_world_the_question_goes_out_again_with_its_new_token(kind: str, tmp_path: Path) -> None:
    work, world = Counting(), ["before"]
    async with receiving(200) as (url, got):
        settings = {**settings_for(url, work, tmp_path), "observe": lambda state: world[0]}
        plan = playing(says("", ("work", {})))
        first = await Loop("g", llm=plan, **place_of(kind, tmp_path), **settings).arun()
        world[0] = "after"
        names, place = again(kind, tmp_path, first.loop_id)
        said = read_answer(*answer(json.loads(got[0][0])["token"]), SECRET)
        anew = await Loop.aresume(*names, llm=plan, approval=said, **place, **settings)
        said = read_answer(*answer(json.loads(got[1][0])["token"]), SECRET)
        await Loop.aresume(*names, llm=playing("x"), approval=said, **place, **settings)

    assert (anew.status, len(got), work.calls) == ("AWAITING_APPROVAL", 2, [0])


@pytest.mark.parametrize("statuses", [(500,), (404,), (302,)])
@EVERYWHERE
async def test_a_question_that_does_not_arrive_is_a_no(kind: str, statuses: tuple[int, ...], tmp_path: Path) -> None:
    work = Counting()
    async with receiving(*statuses) as (url, got):
        settings = settings_for(url, work, tmp_path)
        result = await Loop("g", llm=playing(says("", ("work", {}))), **place_of(kind, tmp_path), **settings).arun()

    assert (result.status, work.calls) == ("APPROVAL_DENIED", [])
    assert len(got) == (3 if statuses == (500,) else 1)


async def test_each_wait_is_twice_the_last_however_long(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    sleep = asyncio.sleep

    async def wait(seconds: float) -> None:
        waits.append(seconds)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", wait)
    details = ExperimentDetails(hypothesis="h", estimated_runs=1, estimated_cost_usd=None, stress_type="s")
    action = Action(what="w", mode=Mode.LAB, tier=RiskTier.REVIEW, details=details)
    async with receiving(500) as (url, _):
        runner = WebhookApprovalRunner(url, SECRET, attempts=4, backoff_s=4.0)
        with pytest.raises(ApprovalError, match="did not arrive"):
            await runner.decide(ApprovalRequest.of(action, ttl_s=60.0))

    assert [seconds for seconds in waits if seconds] == [4.0, 8.0, 16.0]


@pytest.mark.parametrize("fault", ["secret", "old", "future", "body", "unsigned", "shape", "yes in words"])
def test_what_is_no_fresh_signed_answer_is_never_a_yes(fault: str) -> None:
    now = clock.now().timestamp()
    body, headers = answer(
        "t",
        secret=b"another-secret-0123" if fault == "secret" else SECRET,
        at={"old": now - 301, "future": now + 301}.get(fault),
    )
    if fault == "body":
        body = body.replace(b"true", b"true ")
    if fault == "unsigned":
        headers = {}
    if fault in ("shape", "yes in words"):
        body = b'{"token": "t"}' if fault == "shape" else b'{"token": "t", "approved": "yes"}'
        headers[SIGNATURE] = sign(SECRET, headers[TIMESTAMP], body)
    with pytest.raises(ApprovalError):
        read_answer(body, headers, SECRET)


def test_headers_are_found_however_they_are_spelt() -> None:
    body, headers = answer("t")

    assert read_answer(body, {name.lower(): value for name, value in headers.items()}, SECRET)["approved"] is True


@pytest.mark.parametrize(
    ("url", "secret"),
    [("http://example.org/ask", SECRET), ("ftp://localhost/ask", SECRET), ("https://example.org", b"short")],
)
def test_a_token_is_not_sent_in_clear_nor_under_a_weak_secret(url: str, secret: bytes) -> None:
    with pytest.raises(LoopConfigError):
        WebhookApprovalRunner(url, secret)


@EVERYWHERE
async def test_why_a_question_did_not_arrive_is_said(kind: str, tmp_path: Path) -> None:
    work = Counting()
    async with receiving(404) as (url, _):
        settings = settings_for(url, work, tmp_path)
        loop = Loop("g", llm=playing(says("", ("work", {}))), **settings, **place_of(kind, tmp_path))
        result = await loop.arun()

    assert (result.status, work.calls) == ("APPROVAL_DENIED", [])
    assert "404" in result.reason


@pytest.mark.parametrize("way", ["endless", "dripping"])
async def test_an_answer_of_any_length_or_slowness_ends_an_attempt_in_time(way: str) -> None:
    sent = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        try:
            await reader.readuntil(b"\r\n\r\n")
            if way == "endless":
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 300000000\r\n\r\n")
            while sent < 100_000_000:
                part = b"x" * 65_536 if way == "endless" else b"HTTP/1.1 100"[sent % 12 : sent % 12 + 1]
                writer.write(part)
                await writer.drain()
                sent += len(part)
                await asyncio.sleep(0 if way == "endless" else 0.01)
        except OSError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/ask"
    details = ExperimentDetails(hypothesis="h", estimated_runs=1, estimated_cost_usd=None, stress_type="s")
    action = Action(what="e", mode=Mode.PRODUCTION, tier=RiskTier.REVIEW, details=details)
    runner = WebhookApprovalRunner(url, SECRET, attempts=1, attempt_timeout_s=0.3)
    began = clock.monotonic()
    with pytest.raises(ApprovalError):
        await runner.decide(ApprovalRequest.of(action, ttl_s=60, token="t"))
    server.close()

    assert clock.monotonic() - began < 2
    assert sent < 50_000_000


@pytest.mark.parametrize(
    "host", ["10.1.2.3", "192.168.0.1", "169.254.169.254", "[::ffff:10.0.0.1]", "[fd00::1]", "0.0.0.0"]
)
async def test_a_question_is_not_sent_to_a_private_address(host: str) -> None:
    details = ExperimentDetails(hypothesis="h", estimated_runs=1, estimated_cost_usd=None, stress_type="s")
    action = Action(what="e", mode=Mode.PRODUCTION, tier=RiskTier.REVIEW, details=details)
    runner = WebhookApprovalRunner(f"https://{host}:9/ask", SECRET, attempts=1, attempt_timeout_s=1)

    with pytest.raises(ApprovalError, match="no public address"):
        await runner.decide(ApprovalRequest.of(action, ttl_s=60, token="t"))
