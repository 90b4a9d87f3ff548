"""The real SDKs against a real server on this machine that misbehaves in every way a provider can."""

from __future__ import annotations

import base64
import gzip
import json
import subprocess
import sys
from datetime import timedelta
from email.utils import format_datetime

import anthropic
import anyio
import openai
import pytest
from loopback import Body, Call, Cut, Hang, Reset, Say, Script, Status, anthropic_message, chat_completion, serve

from tinman import clock
from tinman.budget import Budget, Limits
from tinman.errors import (
    ConfigError,
    GarbledReply,
    KeyRefused,
    ModelRaised,
    ProviderError,
    ProviderTimeout,
    ProviderUnavailable,
    RateLimited,
    RequestRefused,
)
from tinman.messages import Message, Reply, Request, Text, ToolResult, ToolSpec, say
from tinman.models.anthropic_client import AnthropicModel
from tinman.models.base import CallableModel
from tinman.models.limiter import ProviderLimiter
from tinman.models.load import load_model
from tinman.models.metered import Metered, Metering
from tinman.models.openai_client import OpenAIModel
from tinman.models.prices import Rate

KEY = "sk-secret-0123456789"
PACKED = gzip.compress(b'{"choices": "' + b"x" * 60_000_000 + b'"}', compresslevel=1)
CLIENTS: dict[str, type[OpenAIModel] | type[AnthropicModel]] = {"openai": OpenAIModel, "anthropic": AnthropicModel}
QUESTION = Request(messages=(say("system", "be kind"), say("user", "hi")), params={"max_tokens": 50})
WEATHER = ToolSpec(name="weather", description="tells it", parameters={"type": "object", "properties": {}})

both = pytest.mark.parametrize("provider", ["openai", "anthropic"])


async def ask(
    provider: str, script: Script, request: Request = QUESTION, *, timeout_seconds: float = 5.0
) -> tuple[Reply, dict[str, object]]:
    """Return the reply and the body that the server saw."""
    async with serve(script) as server:
        url = server.base_url(provider)
        model = CLIENTS[provider]("m", base_url=url, api_key=KEY, timeout_seconds=timeout_seconds)
        try:
            return await model.complete(request), server.requests[0]
        finally:
            await model.aclose()


async def failure(provider: str, script: Script, *, timeout_seconds: float = 5.0) -> ProviderError:
    """Return the error of a call that must fail, after checking what holds for every message."""
    with pytest.raises(ProviderError) as caught:
        await ask(provider, script, timeout_seconds=timeout_seconds)
    text = str(caught.value)
    assert KEY not in text
    assert "\n" not in text
    return caught.value


@both
async def test_a_plain_reply_arrives_with_its_usage(provider: str) -> None:
    reply, sent = await ask(provider, lambda _: Say("hello there"))

    assert reply.message.text == "hello there"
    assert (reply.stop, reply.usage.input_tokens, reply.usage.output_tokens) == ("end", 5, 2)
    assert sent["model"] == "m"
    assert sent["max_tokens"] == 50


@both
async def test_what_is_sent_is_what_the_sdks_own_create_sends(provider: str) -> None:
    """The SDKs' typed methods are bypassed for speed; body, key and headers must not differ for it.

    What an SDK tells of the machine and its Python is left out.
    """
    ours = {"accept-encoding", "content-length", "x-stainless-read-timeout", "x-stainless-timeout"}
    telling = {f"x-stainless-{name}" for name in "arch async lang os package-version runtime runtime-version".split()}
    async with serve(lambda _: Say()) as server:
        url = server.base_url(provider)
        model = load_model(f"{provider}:m", base_url=url, keys={"OPENAI_API_KEY": KEY, "ANTHROPIC_API_KEY": KEY})
        await model.complete(QUESTION)
        await model.aclose()
        if provider == "openai":
            async with openai.AsyncOpenAI(api_key=KEY, base_url=url, max_retries=0) as client:
                await client.chat.completions.create(**server.requests[0])
        else:
            async with anthropic.AsyncAnthropic(api_key=KEY, base_url=url, max_retries=0) as sdk:
                await sdk.messages.create(**server.requests[0])
    first, second = ({k.lower(): v for k, v in h.items() if k.lower() not in ours} for h in server.headers)

    assert server.requests[0] == server.requests[1]
    assert any(value.endswith(KEY) for value in first.values())
    assert telling <= second.keys()
    assert first == {name: value for name, value in second.items() if name not in telling}


@both
async def test_a_tool_round_goes_there_and_back(provider: str) -> None:
    request = Request(messages=(say("user", "weather?"),), tools=(WEATHER,), params={"max_tokens": 50})
    reply, _ = await ask(provider, lambda _: Call("weather", '{"city": "Bern"}'), request)
    call = reply.message.calls[0]
    result = Message(role="user", parts=(ToolResult(id=call.id, name=call.name, content="rain"),))
    answered = Request(messages=(*request.messages, reply.message, result), tools=(WEATHER,), params={"max_tokens": 50})
    second, sent = await ask(provider, lambda _: Say("rain it is"), answered)

    assert reply.stop == "tool_calls"
    assert call.arguments == {"city": "Bern"}
    assert second.message.text == "rain it is"
    assert "rain" in json.dumps(sent["messages"])


@both
async def test_arguments_that_are_no_json_are_kept_as_they_came(provider: str) -> None:
    reply, _ = await ask(provider, lambda _: Call("weather", '{"city": "Be'))

    assert '{"city": "Be' in (reply.message.calls[0].malformed or "").replace("\\", "")
    assert reply.message.calls[0].arguments == {}


@both
async def test_parameters_the_sdk_has_no_name_for_still_reach_the_server(provider: str) -> None:
    params = {"max_tokens": 50, "temperature": 0.5, "top_k": 3, "extra_body": {"deep": {"er": 1}}}
    _, sent = await ask(provider, lambda _: Say(), Request(messages=QUESTION.messages, params=params))

    assert (sent["temperature"], sent["top_k"], sent["deep"]) == (0.5, 3, {"er": 1})


@both
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "0.25"}, 0.25),
        ({"retry-after-ms": "1500", "Retry-After": "9"}, 1.5),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
async def test_a_429_carries_the_providers_own_waiting_time(
    provider: str, headers: dict[str, str], seconds: float | None
) -> None:
    error = await failure(provider, lambda _: Status(429, headers))

    assert isinstance(error, RateLimited)
    assert error.retry_after_seconds == seconds
    assert not error.is_billed


async def test_retry_after_may_be_a_date() -> None:
    date = format_datetime(clock.now() + timedelta(seconds=60), usegmt=True)
    error = await failure("openai", lambda _: Status(429, {"Retry-After": date}))

    assert isinstance(error, RateLimited)
    assert 50 < (error.retry_after_seconds or 0) <= 60


@both
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (400, RequestRefused),
        (401, KeyRefused),
        (403, KeyRefused),
        (404, RequestRefused),
        (422, RequestRefused),
        (307, RequestRefused),
        (500, ProviderUnavailable),
        (503, ProviderUnavailable),
        (529, ProviderUnavailable),
    ],
)
async def test_each_status_has_its_class_and_a_remedy(provider: str, code: int, kind: type[ProviderError]) -> None:
    location = {"Location": "http://127.0.0.1:9/elsewhere"} if code == 307 else {}
    error = await failure(provider, lambda _: Status(code, location, message=f"you sent {KEY}\nreally"))

    assert type(error) is kind
    assert str(error).startswith(f"{provider}:m at 127.0.0.1:")
    assert ";" in str(error)
    assert not error.is_billed


async def test_an_empty_purse_is_not_tried_again() -> None:
    error = await failure("openai", lambda _: Status(429, error_code="insufficient_quota"))

    assert isinstance(error, RequestRefused)


@both
@pytest.mark.parametrize(
    "behaviour",
    [
        Body(b""),
        Body(b"<html>not json</html>"),
        Body(b'{"id": "x", "choices": [{"mess'),
        Body(b"[]"),
        Body(b"{}"),
        Body(b'{"choices": [], "content": null}'),
        Body(b'{"choices": [{"message": "hi"}], "content": "hi"}'),
        Body(b'{"error": {"message": "overloaded"}}'),
        Body(b"[" * 200_000),
        Body(b'{"choices": "' + b"x" * 9_000_000 + b'"}'),
        Body(PACKED, {"Content-Encoding": "gzip"}),
        Body(b"no gzip", {"Content-Encoding": "gzip"}),
        Cut(),
    ],
    ids=[
        *("empty", "html", "truncated", "list", "object", "no choices", "wrong kinds", "error", "deep", "giant"),
        *("giant when unpacked", "not packed", "cut"),
    ],
)
async def test_a_reply_that_breaks_the_protocol_is_garbled_and_counts_as_billed(
    provider: str, behaviour: Body | Cut
) -> None:
    error = await failure(provider, lambda _: behaviour)

    assert type(error) is GarbledReply
    assert error.is_billed
    assert len(str(error)) < 300


@both
async def test_a_packed_reply_that_nobody_asked_for_is_read_all_the_same(provider: str) -> None:
    reply = chat_completion(Say("hi")) if provider == "openai" else anthropic_message(Say("hi"))
    packed = Body(gzip.compress(json.dumps(reply).encode()), {"Content-Encoding": "gzip"})

    assert (await ask(provider, lambda _: packed))[0].message.text == "hi"


@both
async def test_a_password_in_the_address_is_sent_instead_of_the_key(provider: str) -> None:
    async with serve(lambda _: Say()) as server:
        url = server.base_url(provider).replace("://", "://me:pass%20word@")
        model = CLIENTS[provider]("m", base_url=url, api_key=KEY)
        await model.complete(QUESTION)
        await model.aclose()

        assert server.headers[0]["Authorization"] == "Basic " + base64.b64encode(b"me:pass word").decode()


@both
@pytest.mark.parametrize("scheme", ["http://", ""])
async def test_the_proxy_of_the_environment_is_used(
    scheme: str, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serve(lambda _: Say("from the proxy")) as proxy:
        monkeypatch.setenv("http_proxy", scheme + proxy.root.removeprefix("http://"))
        monkeypatch.setenv("no_proxy", "localhost")
        model = CLIENTS[provider]("m", base_url="http://model.invalid/v1", api_key=KEY)
        reply = await model.complete(QUESTION)
        await model.aclose()

        assert reply.message.text == "from the proxy"
        assert proxy.headers[0]["Host"] == "model.invalid"


@both
@pytest.mark.parametrize("named", ["127.0.0.1", "127.0.0.1:{port}"])
async def test_the_proxy_is_not_used_for_what_it_is_not_meant_for(
    named: str, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serve(lambda _: Say("direct")) as server:
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        monkeypatch.setenv("no_proxy", named.format(port=server.root.rpartition(":")[2]))
        model = CLIENTS[provider]("m", base_url=server.base_url(provider), api_key=KEY)
        reply = await model.complete(QUESTION)
        await model.aclose()

        assert reply.message.text == "direct"


@both
@pytest.mark.parametrize("url", ["127.0.0.1:80/v1", "http://127.0.0.1:99999/v1", "http://a..b/v1"])
async def test_what_is_no_address_is_refused_at_once(provider: str, url: str) -> None:
    model = CLIENTS[provider]("m", base_url=url, api_key=KEY)
    with pytest.raises(RequestRefused, match="check the base_url"):
        await model.complete(QUESTION)
    await model.aclose()


@both
async def test_a_key_that_no_header_can_hold_is_refused_and_not_repeated(provider: str) -> None:
    async with serve(lambda _: Say()) as server:
        model = CLIENTS[provider]("m", base_url=server.base_url(provider), api_key=f"{KEY}\n")
        with pytest.raises(RequestRefused, match="and the key") as caught:
            await model.complete(QUESTION)
        await model.aclose()

    assert KEY not in str(caught.value)


@both
async def test_a_host_with_an_underscore_is_a_host(provider: str) -> None:
    model = CLIENTS[provider]("m", base_url="http://my_host.invalid/v1", api_key=KEY)
    with pytest.raises(ProviderUnavailable):
        await model.complete(QUESTION)
    await model.aclose()


@pytest.mark.parametrize("provider", ["anthropic"])  # the other SDK refuses it itself
async def test_a_header_beyond_ascii_is_sent_as_utf8(provider: str) -> None:
    asked = Request(messages=QUESTION.messages, params={"max_tokens": 5, "extra_headers": {"X-T": "né"}})
    async with serve(lambda _: Say()) as server:
        model = CLIENTS[provider]("m", base_url=server.base_url(provider), api_key=KEY)
        await model.complete(asked)
        await model.aclose()

        assert server.headers[0]["X-T"].encode("utf-8", "surrogateescape") == "né".encode()


@both
async def test_closed_before_its_first_call_is_out_a_client_sends_nothing(provider: str) -> None:
    async with serve(lambda _: Say()) as server:
        model = CLIENTS[provider]("m", base_url=server.base_url(provider), api_key=KEY)

        async def call() -> None:
            with pytest.raises(ProviderUnavailable, match="closed"):
                await model.complete(QUESTION)

        async with anyio.create_task_group() as group:
            group.start_soon(call)
            await anyio.lowlevel.checkpoint()
            await model.aclose()

        assert not server.requests


@both
async def test_a_connection_that_breaks_is_unavailable_and_may_have_been_billed(provider: str) -> None:
    error = await failure(provider, lambda _: Reset())

    assert type(error) is ProviderUnavailable
    assert error.is_billed


@both
async def test_a_refused_connection_was_surely_not_billed(provider: str) -> None:
    model = CLIENTS[provider]("m", base_url="http://127.0.0.1:9/v1", api_key=KEY)
    with pytest.raises(ProviderUnavailable) as caught:
        await model.complete(QUESTION)
    await model.aclose()

    assert not caught.value.is_billed
    assert "check the base_url" in str(caught.value)


@both
async def test_silence_is_a_timeout(provider: str) -> None:
    error = await failure(provider, lambda _: Hang(), timeout_seconds=0.05)

    assert type(error) is ProviderTimeout


@both
async def test_a_call_can_be_cancelled_while_the_provider_is_silent(provider: str) -> None:
    arrived = anyio.Event()

    def script(_: object) -> Hang:
        arrived.set()
        return Hang()

    async with serve(script) as server:
        model = CLIENTS[provider]("m", base_url=server.base_url(provider))
        async with anyio.create_task_group() as group:
            group.start_soon(model.complete, QUESTION)
            await arrived.wait()
            group.cancel_scope.cancel()
        await model.aclose()

    assert group.cancel_scope.cancelled_caught


@both
@pytest.mark.parametrize(("finish", "stop"), [("length", "length"), ("refusal", "refusal"), ("odd", "other")])
async def test_the_reason_for_stopping_is_told(provider: str, finish: str, stop: str) -> None:
    reply, _ = await ask(provider, lambda _: Say("I must not", finish=finish))

    assert reply.stop == stop
    assert reply.message.text == "I must not"


@both
async def test_missing_usage_is_estimated_from_above_and_marked(provider: str) -> None:
    reply, _ = await ask(provider, lambda _: Say("héllo", tokens=None))

    assert reply.extra["usage_estimated"] is True
    assert reply.usage.input_tokens >= len("be kindhi")
    assert reply.usage.output_tokens == len("héllo".encode())


@both
async def test_control_characters_and_torn_surrogates_survive_the_way(provider: str) -> None:
    request = Request(messages=(say("user", "a\x00\x1b[31m\u202e\U0001f600"),), params={"max_tokens": 9})
    reply, sent = await ask(provider, lambda _: Say("\x07\ud83d bell \U0001f600"), request)

    assert "\\u0000\\u001b[31m\\u202e" in json.dumps(sent)
    assert reply.message.text == "\x07\ufffd bell \U0001f600"


@both
async def test_half_a_surrogate_pair_is_sent_replaced(provider: str) -> None:
    request = Request(messages=(Message(role="user", parts=(Text(text="a \ud800"),)),), params={"max_tokens": 9})
    _, sent = await ask(provider, lambda _: Say(), request)

    assert "a \\ufffd" in json.dumps(sent)


@both
async def test_what_json_has_no_word_for_is_refused_before_it_is_sent(provider: str) -> None:
    request = Request(messages=(say("user", "hi"),), params={"max_tokens": 9, "temperature": float("nan")})
    with pytest.raises(RequestRefused, match="cannot be written as JSON"):
        await ask(provider, lambda _: Say(), request)


@both
async def test_without_a_key_nothing_goes_to_the_network(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.socket.connect", None)
    with pytest.raises(KeyRefused, match=r"nothing was sent; set [A-Z]+_API_KEY"):
        await CLIENTS[provider]("m").complete(QUESTION)


def test_loading_a_model_imports_no_sdk() -> None:
    program = (
        "import sys; from tinman.models.load import load_model; import tinman.models.metered, tinman.reasoner\n"
        "load_model('openai:m', base_url='http://127.0.0.1:1/v1', keys={})\n"
        "heavy = {'openai', 'anthropic', 'httpx2', 'aiohttp', 'genai_prices'} & set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("openai:gpt-x", "set OPENAI_API_KEY"),
        ("anthropic:claude-x", "set ANTHROPIC_API_KEY"),
        ("opnai:gpt-x", "did you mean openai"),
        ("gpt-x", "is not one of openai:MODEL"),
        ("json:dumpz", "did you mean dump or dumps"),
        ("no/such/file.py:answer", "no file"),
    ],
)
def test_a_model_that_cannot_be_loaded_says_what_to_do(spec: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        load_model(spec, keys={})


async def test_a_callable_in_a_file_is_a_model(tmp_path: object) -> None:
    path = f"{tmp_path}/mine.py"
    with open(path, "w") as file:  # noqa: ASYNC230 - a test's own small file
        file.write("def answer(messages, tools):\n    return messages[-1].text.upper()\n")
    model = load_model(f"{path}:answer", keys={})
    reply = await model.complete(Request(messages=(say("user", "hi"),)))

    assert isinstance(model, CallableModel)
    assert reply.message.text == "HI"


async def test_what_a_callable_raises_is_told_with_its_place_and_asked_for_once() -> None:
    calls: list[int] = []

    def answer(messages: object, tools: object) -> str:
        calls.append(1)
        raise KeyError("no such thing")

    with pytest.raises(ModelRaised, match=r"raised KeyError: 'no such thing' \(test_models_over_http.py, line \d+\)"):
        await Metered(CallableModel(answer), budget=Budget()).complete(QUESTION)
    assert calls == [1]


@both
async def test_metered_calls_share_one_limit_and_outlast_a_429(provider: str) -> None:
    turn = iter([Status(429, {"retry-after-ms": "1"}), Status(500)])
    async with serve(lambda _: next(turn, Say(delay_seconds=0.002))) as server:
        model = CLIENTS[provider]("m", base_url=server.base_url(provider))
        budget = Budget(Limits(calls=22, usd=0.01))
        own = {f"{provider}:m": Rate(input_usd=0, output_usd=0)}
        metering = Metering(limiter=ProviderLimiter(4, 4), backoff_seconds=0.001, price_overrides=own)
        wrapped = Metered(model, metering, budget=budget)
        async with anyio.create_task_group() as group:
            for _ in range(20):
                group.start_soon(wrapped.complete, QUESTION)
        await wrapped.aclose()

    assert len(server.requests) == budget.spent.calls == 22
    assert server.peak <= 4
