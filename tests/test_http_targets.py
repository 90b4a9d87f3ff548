"""An HTTP endpoint as a target: asked the way its profile says, read whatever edge stands before it, asked again."""

from __future__ import annotations

import asyncio
import gzip
import json
import ssl
import time
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import brotli
import pytest
import trustme

from tinman.errors import (
    ConfigError,
    GarbledReply,
    KeyRefused,
    ProviderTimeout,
    ProviderUnavailable,
    RateLimited,
    RequestRefused,
    TinmanError,
)
from tinman.messages import Reply, Request, say
from tinman.targets.load import load_target
from tinman.targets.profile import TargetProfile, read_profile
from tinman.targets.turn import CALLS, CAPTURE_ERROR
from tinman.targets.world import EMPTY_WORLD

pytestmark = pytest.mark.slow

Answer = Callable[[int, str, bytes], bytes | None]


class Seen(list[tuple[str, bytes]]):
    """What a server was asked, head and body, and where it is."""

    url = ""
    connections = 0


@asynccontextmanager
async def server(answer: Answer, *, seconds: float = 0.0, tls: ssl.SSLContext | None = None) -> AsyncIterator[Seen]:
    """Serve raw answers on a loopback port; ``None`` closes the connection, ``seconds`` stretches an answer's bytes."""
    seen = Seen()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.connections += 1
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                size = [
                    line.partition(":")[2] for line in head.splitlines() if line.lower().startswith("content-length")
                ]
                body = await reader.readexactly(int(size[0])) if size else b""
                seen.append((head, body))
                said = answer(len(seen), head, body)
                if said is None:
                    break
                pieces = [said] if not seconds else [said[i : i + 1] for i in range(len(said))]
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(seconds)
                if b"ontent-" not in said.partition(b"\r\n\r\n")[0].replace(b"Content-Type", b""):
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    running = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    seen.url = f"http{'s' if tls else ''}://127.0.0.1:{running.sockets[0].getsockname()[1]}/chat"
    try:
        yield seen
    finally:
        running.close()


def http(body: bytes | str, *headers: str, status: int = 200, kind: str = "application/json") -> bytes:
    content = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} OK", f"Content-Type: {kind}", f"Content-Length: {len(content)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


OK = http('{"reply": "hello"}')


async def turn(seen: Seen, *texts: str, url: str = "", **profile: Any) -> Reply:
    """Return the answer to the last of ``texts``."""
    target = load_target(read_profile({"spec": url or seen.url, "retries": 0, **profile}), {})
    messages = []
    try:
        async with target.open(user="u1", session="s1", world=EMPTY_WORLD) as opened:
            for text in texts or ("hi",):
                messages.append(say("user", text))
                reply = await opened.send(Request(messages=tuple(messages), session="s1"))
                messages.append(reply.message)
    finally:
        await target.aclose()
    return reply


# -- asked the way its profile says ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("profile", "line", "kind", "body"),
    [
        ({}, "POST /chat", "application/json", '{"message": "hi", "session": "s1", "user": "u1"}'),
        ({"session_parameter": "session_id"}, "POST", "application/json", '"session_id": "s1"'),
        ({"method": "PUT", "body": {"q": "{text}", "n": 3}}, "PUT /chat", "application/json", '{"q": "hi", "n": 3}'),
        ({"body": {"m": "{messages}"}}, "POST", "json", '{"m": [{"role": "user", "content": "hi"}]}'),
        ({"body": ["{user} asks: {text}"]}, "POST", "json", '["u1 asks: hi"]'),
        ({"encoding": "form", "body": {"q": "{text}"}}, "POST", "x-www-form-urlencoded", "q=hi"),
        ({"encoding": "multipart", "body": {"q": "{text}"}}, "POST", "multipart/form-data", 'name="q"\r\n\r\nhi'),
        ({"encoding": "text"}, "POST", "text/plain", "hi"),
        ({"method": "GET", "body": {"q": "{text}"}}, "GET /chat?q=hi ", "", ""),
    ],
)
async def test_an_endpoint_is_asked_as_its_profile_says(
    profile: dict[str, Any], line: str, kind: str, body: str
) -> None:
    async with server(lambda n, head, got: OK) as seen:
        assert (await turn(seen, **profile)).message.text == "hello"

    head, got = seen[0]
    assert head.startswith(line)
    assert kind in head
    assert body in got.decode()


async def test_the_query_of_an_address_is_kept() -> None:
    async with server(lambda n, head, got: OK) as seen:
        await turn(seen, url=f"{seen.url}?key=1", method="GET", body={"q": "{text}"})
        await turn(seen, url=f"{seen.url}?key=1")

    assert seen[0][0].startswith("GET /chat?key=1&q=hi ")
    assert seen[1][0].startswith("POST /chat?key=1 ")


async def test_headers_take_values_from_the_environment_which_no_message_tells(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SHOP_KEY", "s3cret-value")
    headers = {"Authorization": "Bearer ${SHOP_KEY}", "X-Team": "red"}
    async with server(lambda n, head, got: http("no such key: s3cret-value", status=401)) as seen:
        with pytest.raises(KeyRefused) as raised:
            await turn(seen, headers=headers)

    assert "Authorization: Bearer s3cret-value" in seen[0][0]
    assert "X-Team: red" in seen[0][0]
    assert "[SHOP_KEY]" in str(raised.value)
    assert "s3cret" not in str(raised.value)
    monkeypatch.delenv("SHOP_KEY")
    with pytest.raises(ConfigError, match="the environment has no SHOP_KEY"):
        load_target(read_profile({"spec": "http://127.0.0.1/", "headers": headers}), {})


@pytest.mark.parametrize(
    ("profile", "told"),
    [
        ({"body": {"q": "x"}}, "would never hear a turn"),
        ({"encoding": "form", "body": "{text}"}, "form has fields"),
        ({"reply": "$["}, "is no JSON path"),
        ({"encoding": "xml"}, "encoding"),
        ({"method": "P OST"}, "method"),
        ({"headers": {"X": "a\nb"}}, "one line"),
        ({"spec": "http://127.0.0.1/a\tb"}, "blank or control"),
    ],
)
def test_a_profile_that_cannot_be_meant_is_refused_before_anything_is_sent(profile: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        load_target(read_profile({"spec": "http://127.0.0.1/", **profile}), {})


def test_a_plain_endpoint_keeps_its_fingerprint_and_another_body_is_another_target() -> None:
    def of(**profile: Any) -> str:
        return load_target(read_profile({"spec": "http://127.0.0.1/", **profile}), {}).fingerprint

    assert of() == of(timeout_seconds=5, retries=0) != of(body={"q": "{text}"})
    assert of(headers={"A": "b"}) != of()


# -- read whatever edge stands before it -----------------------------------------------------------------------------

SSE = "text/event-stream"
PACKED = [
    ("gzip", gzip.compress(b'{"reply": "hello"}')),
    ("deflate", zlib.compress(b'{"reply": "hello"}')),
    ("br", brotli.compress(b'{"reply": "hello"}')),
]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        *((http(body, f"Content-Encoding: {name}"), "hello") for name, body in PACKED),
        (b'HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{"reply": "hello"}', "hello"),
        (http('{"reply": "hello"}', "X-Policy: " + "a" * 60_000), "hello"),
        (http(b'\xef\xbb\xbf{"reply": "hello"}'), "hello"),
        (http('{"reply": "hello"}'.encode("utf-16"), kind="application/json; charset=utf-16"), "hello"),
        (
            http('{"reply": "gr\xfc\xdf dich"}'.encode("latin-1"), kind='application/json; charset="ISO-8859-1"'),
            "grüß dich",
        ),
        (http("plain", kind="text/plain; charset=no-such"), "plain"),
        (http('{"answer": 42}'), "42"),
        (http('{"reply": false, "text": "x"}'), "false"),
        (http('{"data": {"reply": "x"}}', kind="application/problem+json"), None),
        (http(b"data: 4\n\ndata:  apples\n\ndata: true\n\n", kind=SSE), "4 applestrue"),
        (
            http(
                'data: {"choices": [{"delta": {"content": 6}}]}\n\ndata: {"delta": "0"}\n\ndata: [DONE]\n\n', kind=SSE
            ),
            "60",
        ),
        (
            http(': ping\r\n\r\ndata: {"delta": "hel"}\r\n\r\n: ping\r\n\r\ndata: {"delta": "lo"}\r\n\r\n', kind=SSE),
            "hello",
        ),
        (http('data: {"delta": "he"}\n\ndata: {"error": {"message": "out"}}\n\n', kind=SSE), None),
        (http('{"error": {"message": "out of beans"}}'), None),
        (http(b'{"reply":' + b"[" * 3000 + b'"x"' + b"]" * 3000 + b"}"), None),
        (http(b'{"reply":' + b"[" * 300_000 + b"]" * 300_000 + b"}"), None),
        (http(b"not gzip", "Content-Encoding: gzip"), None),
        (http(b"?", "Content-Encoding: zstd"), None),
    ],
)
async def test_an_answer_is_read_or_is_that_turns_error(answer: bytes, said: str | None) -> None:
    async with server(lambda n, head, got: answer) as seen:
        if said is None:
            with pytest.raises(GarbledReply, match=r"127\.0\.0\.1"):
                await turn(seen)
        else:
            assert (await turn(seen)).message.text == said


async def test_the_reply_is_found_by_its_path() -> None:
    async with server(lambda n, head, got: http('{"data": [{"say": "one"}, {"say": "two"}], "reply": "no"}')) as seen:
        assert (await turn(seen, reply="$.data[1].say")).message.text == "two"
        with pytest.raises(GarbledReply, match=r"target\.reply"):
            await turn(seen, reply="$.none")


async def test_a_stream_that_stays_open_after_its_last_word_is_not_waited_for() -> None:
    stream = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 9999\r\n\r\n"
    async with server(lambda n, head, got: stream + b'data: {"delta": "hello"}\n\ndata: [DONE]\n\n') as seen:
        assert (await turn(seen, timeout_seconds=20)).message.text == "hello"


@pytest.mark.parametrize("kind", ["application/json", SSE])
async def test_an_answer_that_drips_is_cut_at_the_time_limit(kind: str) -> None:
    async with server(lambda n, head, got: http('{"reply": "hello"}', kind=kind), seconds=0.1) as seen:
        started = time.monotonic()
        with pytest.raises(ProviderTimeout):
            await turn(seen, timeout_seconds=0.4)

    assert time.monotonic() - started < 3


async def test_tool_traces_become_tool_calls_and_broken_ones_are_said() -> None:
    traces = '{"reply": "done", "tool_traces": %s}'
    told = {
        '[{"tool_name": "look", "arguments": {"q": 1}}]': ("look", ""),
        "[]": (None, ""),
        '"oops"': (None, "has to be a list"),
        '[{"tool_name": "look", "arguments": {"q": NaN}}]': (None, "NaN"),
    }
    for text, (name, problem) in told.items():
        async with server(lambda n, head, got, text=text: http(traces % text)) as seen:  # type: ignore[misc]
            reply = await turn(seen)
        calls = reply.extra.get(CALLS) or []
        assert [call["tool_name"] for call in calls] == ([name] if name else [])
        assert problem in reply.extra.get(CAPTURE_ERROR, "")
        assert bool(problem) == (CAPTURE_ERROR in reply.extra)


# -- asked again -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failing", "error"),
    [
        (http("slow", "Retry-After: 0", status=429), RateLimited),
        (http("down", "Retry-After: 0", status=503), ProviderUnavailable),
    ],
)
async def test_what_may_pass_is_asked_again_as_often_as_the_profile_says(
    failing: bytes, error: type[TinmanError]
) -> None:
    async with server(lambda n, head, got: failing if n < 3 else OK) as seen:
        assert (await turn(seen, retries=2)).message.text == "hello"
    async with server(lambda n, head, got: failing if n < 3 else OK) as seen:
        with pytest.raises(error):
            await turn(seen, retries=1)

    assert len(seen) == 2


async def test_the_time_the_endpoint_asks_for_is_waited() -> None:
    async with server(lambda n, head, got: http("slow", "Retry-After: 1", status=429) if n == 1 else OK) as seen:
        started = time.monotonic()
        await turn(seen, retries=1)

    assert time.monotonic() - started > 0.9


@pytest.mark.parametrize("status", [400, 404, 422])
async def test_what_will_not_pass_is_not_asked_again(status: int) -> None:
    async with server(lambda n, head, got: http("no", status=status)) as seen:
        with pytest.raises(RequestRefused):
            await turn(seen, retries=3)

    assert len(seen) == 1


async def test_a_turn_the_endpoint_may_have_acted_on_is_asked_again_only_where_that_does_no_harm() -> None:
    for repeatable, asked in ((False, 1), (True, 3)):
        async with server(lambda n, head, got: None) as seen:
            with pytest.raises(TinmanError, match="not reachable"):
                await turn(seen, retries=2, is_repeatable=repeatable)
        assert len(seen) == asked


async def test_a_kept_connection_that_was_closed_meanwhile_loses_no_turn() -> None:
    """The server says that it keeps the connection, reads the next request and closes without a word."""
    dropped: list[int] = []

    def answer(number: int, head: str, body: bytes) -> bytes | None:
        if number % 2 == 0 and number not in dropped:
            dropped.append(number)
            return None
        return OK

    async with server(answer) as seen:
        assert (await turn(seen, "one", "two", "three", is_repeatable=True)).message.text == "hello"

    assert dropped


async def test_no_endpoint_is_made_to_act_twice_on_one_turn() -> None:
    """It reads the second turn whole, acts, and closes without a word: whether it acted, nobody can tell."""
    acted: list[bytes] = []

    def answer(number: int, head: str, body: bytes) -> bytes | None:
        acted.append(body)
        return None if b"two" in body else OK

    async with server(answer) as seen:
        with pytest.raises(ProviderUnavailable):
            await turn(seen, "one", "two")

    assert len(acted) == 2


async def test_a_connection_that_idles_out_between_two_turns_loses_none() -> None:
    async with server(lambda n, head, body: OK) as seen:
        assert (await turn(seen, "one", "two", "three")).message.text == "hello"


async def test_a_refused_turn_is_not_a_refused_key() -> None:
    flagged = '{"error": {"message": "Your input was flagged", "code": "content_filter"}}'
    async with server(lambda n, head, got: http(flagged, status=403)) as seen:
        with pytest.raises(RequestRefused, match="not the key"):
            await turn(seen)
    async with server(lambda n, head, got: http("forbidden", status=403)) as seen:
        with pytest.raises(KeyRefused):
            await turn(seen)


# -- proxies ---------------------------------------------------------------------------------------------------------


async def test_proxies_are_used_but_where_the_environment_says_not_to(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "socks5://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    async with server(lambda n, head, got: OK) as seen:
        assert (await turn(seen)).message.text == "hello"
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name)
        with pytest.raises(ProviderUnavailable, match="proxy"):
            await load_target(TargetProfile(spec=seen.url), {}).preflight()
        with pytest.raises(ProviderUnavailable):
            await turn(seen)


async def test_a_certificate_nobody_vouches_for_is_said_to_be_one_and_how_to_vouch_for_it() -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
    async with server(lambda n, head, got: OK, tls=tls) as seen:
        with pytest.raises(ProviderUnavailable, match=r"certificate is not trusted.*SSL_CERT_FILE"):
            await turn(seen)
        assert seen == []


async def test_a_preflight_takes_a_real_turn() -> None:
    async with server(lambda n, head, got: http("no", status=401)) as seen:
        target = load_target(TargetProfile(spec=seen.url), {})
        with pytest.raises(KeyRefused) as raised:
            await target.preflight()
        await target.aclose()

    assert raised.value.exit_code == 7
    assert len(seen) == 1


async def test_deep_answers_of_one_turn_leave_the_next_alone() -> None:
    deep = http(b'{"reply":' + b"[" * 3000 + b"]" * 3000 + b"}")
    async with server(lambda n, head, got: deep if b"deep" in got else OK) as seen:
        with pytest.raises(GarbledReply):
            await turn(seen, "deep")
        assert json.loads(seen[0][1])["message"] == "deep"
        assert (await turn(seen, "fine")).message.text == "hello"
