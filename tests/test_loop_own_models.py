"""A model of one's own: what it costs, what of its errors is tried again, and that one object serves many loops."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any
from urllib.error import HTTPError, URLError

import pytest
from loopback import Call, serve
from loops import Counting, a_loop, playing, says

from tinman.errors import LoopConfigError
from tinman.loop import CallableLLM, LLMClient, LLMResponse, OpenAILLM, ToolCallReq
from tinman.loop.llm.adapt import ClientModel, as_model
from tinman.models import prices


def answering(**usage: int) -> Any:
    used = {"input_tokens": 1_000, "output_tokens": 100, **usage}
    call = ToolCallReq(name="work", args={})
    return lambda messages, tools: LLMResponse(text="w", tool_calls=[call], **used)


# -- what it costs


async def test_a_known_model_is_priced_whoever_serves_it() -> None:
    loop = a_loop(CallableLLM(answering(), model_id="gpt-4o"), [Counting().tool], max_iterations=1)
    result = await loop.arun()

    assert result.metrics.cost_usd == pytest.approx(1_000 * 2.5e-6 + 100 * 10e-6)


async def test_a_money_ceiling_holds_for_a_known_model_that_a_function_serves() -> None:
    llm = CallableLLM(answering(), model_id="gpt-4o")
    result = await a_loop(llm, [Counting().tool], cost_limit_usd=0.06, max_iterations=100).arun()

    assert result.status == "BUDGET_EXHAUSTED"
    assert "cost_limit_usd" in result.reason
    assert 0 < (result.metrics.cost_usd or 0) <= 0.06


@pytest.mark.parametrize(
    "llm",
    [
        CallableLLM(answering()),
        CallableLLM(answering(), model_id="nobody-knows"),
        OpenAILLM("nobody-knows", base_url="http://127.0.0.1:9/v1"),
        OpenAILLM("nobody-knows", base_url="https://example.org/v1"),
        answering(),
    ],
    ids=["unnamed", "a function", "on loopback", "elsewhere", "bare"],
)
async def test_a_money_ceiling_on_an_unknown_price_is_refused_unless_a_price_is_given(llm: Any) -> None:
    with pytest.raises(LoopConfigError, match="no known price"):
        a_loop(llm, cost_limit_usd=1.0)

    name = as_model(llm).name
    assert a_loop(llm, cost_limit_usd=1.0, pricing={name: (0, 0)})


@pytest.mark.parametrize("name", ["llama3:8b", "ft:gpt-4o:acme::1"])
async def test_a_price_is_found_by_a_name_with_colons(name: str) -> None:
    llm = OpenAILLM(name, base_url="http://127.0.0.1:9/v1")

    assert a_loop(llm, cost_limit_usd=1.0, pricing={name: (0.1, 0.2)})


async def test_an_unknown_cost_is_unknown_and_not_nothing() -> None:
    work = Counting().tool
    unknown = await a_loop(CallableLLM(answering()), [work], max_iterations=1).arun()
    given = await a_loop(CallableLLM(answering()), [work], max_iterations=1, pricing={"callable": (1.0, 10.0)}).arun()

    assert unknown.metrics.cost_usd is None
    assert given.metrics.cost_usd == pytest.approx(0.002)


def test_a_known_model_on_loopback_is_priced_by_its_name() -> None:
    loop = a_loop(OpenAILLM("gpt-4o", base_url="http://127.0.0.1:9/v1"), cost_limit_usd=1.0)

    assert loop._meters.pricing.bound(1_000_000, 0) == 2_500_000_000
    for name in ("gpt-4o", "openai:gpt-4o", "http://127.0.0.1:9/v1:gpt-4o"):
        own = a_loop(OpenAILLM("gpt-4o", base_url="http://127.0.0.1:9/v1"), pricing={name: (7, 7)})
        assert own._meters.pricing.bound(1_000_000, 0) == 7_000_000_000


def test_the_public_table_has_a_date_and_an_old_one_is_told_about_lifted_or_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from datetime import UTC, datetime, timedelta

    from tinman import clock

    assert prices.as_of() <= clock.now().date()
    llm, settings = CallableLLM(answering(), model_id="gpt-4o"), {"cost_limit_usd": 1.0, "quiet": False}
    newest = datetime.combine(prices.as_of(), datetime.min.time(), UTC)
    # Two years on: prices that were to come by then are in force, and are the newest.
    monkeypatch.setattr(clock, "now", lambda: newest + timedelta(days=800))

    with pytest.raises(LoopConfigError, match="days old"):
        a_loop(llm, pricing_staleness="refuse", **settings)
    assert a_loop(llm, pricing_staleness="token-only", **settings).config.cost_limit_usd is None
    assert a_loop(llm, **settings).config.cost_limit_usd == 1.0
    assert "kept by it all the same" in capsys.readouterr().err
    assert a_loop(llm, pricing_staleness="refuse", pricing={"gpt-4o": (1, 2)}, **settings)


# -- what is tried again


class Told(Exception):
    def __init__(self, **attributes: Any) -> None:
        super().__init__("told")
        self.__dict__.update(attributes)


def foreign(module: str, name: str, *bases: type[Exception]) -> Exception:
    return type(name, bases or (Exception,), {"__module__": module})("broken")


def kin(module: str, name: str) -> type[Exception]:
    return type(name, (Exception,), {"__module__": module})


TRANSIENT = [
    *(Told(status_code=status) for status in (408, 409, 429, 500, 502, 503, 529)),
    Told(status=503),
    Told(code=503),
    Told(response=SimpleNamespace(status_code=500)),
    Told(response={"ResponseMetadata": {"HTTPStatusCode": 503}}),
    Told(status_code=429, response=SimpleNamespace(headers={"retry-after": "0"}, status_code=429)),
    ConnectionResetError("gone"),
    TimeoutError("late"),
    URLError(ConnectionRefusedError("refused")),
    HTTPError("http://x", 503, "busy", None, None),  # type: ignore[arg-type]
    foreign("httpx", "ReadTimeout", kin("httpx", "TimeoutException")),
    foreign("httpx._exceptions", "ConnectError", kin("httpx", "NetworkError")),
    foreign("openai", "APITimeoutError", kin("openai", "APIConnectionError")),
    foreign("anthropic._exceptions", "APIConnectionError"),
    foreign("aiohttp.client_exceptions", "ServerDisconnectedError", kin("aiohttp", "ClientConnectionError")),
    foreign("requests.exceptions", "ConnectionError"),
    foreign("urllib3.exceptions", "ProtocolError"),
]
FINAL = [
    *(Told(status_code=status) for status in (400, 401, 403, 404, 422)),
    Told(status_code=429, code="insufficient_quota"),
    Told(status_code="503"),
    Told(status_code=True),
    ValueError("wrong"),
    foreign("httpx", "InvalidURL"),
    foreign("mine", "NetworkError"),
]


class Asked:
    """Raises once, then answers."""

    def __init__(self, error: Exception) -> None:
        self.error, self.calls = error, 0

    def answer(self, *_: Any) -> LLMResponse:
        self.calls += 1
        if self.calls == 1:
            raise self.error
        return LLMResponse(text="fine", tool_calls=[ToolCallReq(name="work")], input_tokens=5, output_tokens=5)


class Client(LLMClient):
    provider = "an attribute of its own"
    name = "another"

    def __init__(self, asked: Asked) -> None:
        self.asked = asked

    async def complete(self, messages: Any, tool_schemas: Any, max_tokens: int) -> Any:
        return self.asked.answer()


class OwnModel:
    provider = "mine"
    name = "m"

    def __init__(self, asked: Asked) -> None:
        self.asked = asked

    async def complete(self, request: Any) -> Any:
        self.asked.answer()
        return says("fine", ("work", {}))

    async def aclose(self) -> None: ...


KINDS = {"function": lambda asked: CallableLLM(asked.answer), "client": Client, "model": OwnModel}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("error", TRANSIENT, ids=lambda error: f"{type(error).__name__} {vars(error)}"[:50])
async def test_what_may_pass_is_tried_again_whatever_model_raised_it(error: Exception, kind: str) -> None:
    asked = Asked(error)
    result = await a_loop(KINDS[kind](asked), [Counting().tool], max_iterations=1).arun()

    assert (result.status, asked.calls) == ("BUDGET_EXHAUSTED", 2), result.reason


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("error", FINAL, ids=lambda error: f"{type(error).__name__} {vars(error)}"[:50])
async def test_what_stays_wrong_is_an_error_at_once(error: Exception, kind: str) -> None:
    asked = Asked(error)
    result = await a_loop(KINDS[kind](asked), [Counting().tool], max_iterations=1).arun()

    assert (result.status, asked.calls, result.error) == ("ERROR", 1, type(error).__name__)


async def test_the_errors_of_the_sdks_are_those_it_knows() -> None:
    import anthropic
    import httpx2
    import openai

    request = httpx2.Request("POST", "http://127.0.0.1:9")
    response = httpx2.Response(503, request=request)
    errors: list[Exception] = [
        openai.APIConnectionError(request=request),
        openai.APITimeoutError(request=request),
        openai.InternalServerError("busy", response=response, body=None),
        anthropic.APIConnectionError(request=request),
        anthropic.InternalServerError("busy", response=response, body=None),
        httpx2.ReadTimeout("late", request=request),
        httpx2.ConnectError("refused", request=request),
    ]
    for error in errors:
        asked = Asked(error)
        await a_loop(CallableLLM(asked.answer), [Counting().tool], max_iterations=1).arun()
        assert asked.calls == 2, error


# -- what it is


def test_the_class_decides_what_a_model_is_and_no_attribute() -> None:
    class Duck:
        provider = "x"

        def complete(self, messages: Any, tool_schemas: Any, max_tokens: int) -> Any: ...

    assert isinstance(as_model(Client(Asked(ValueError()))), ClientModel)
    assert isinstance(as_model(Duck()), ClientModel)
    assert not isinstance(as_model(playing("x")), ClientModel)


@pytest.mark.parametrize("error", [asyncio.CancelledError(), KeyboardInterrupt(), GeneratorExit(), SystemExit(3)])
@pytest.mark.parametrize("is_async", [True, False])
async def test_a_model_that_raises_to_end_the_process_ends_its_loop_alone(error: BaseException, is_async: bool) -> None:
    async def later(messages: Any, tools: Any) -> Any:
        raise error

    def now(messages: Any, tools: Any) -> Any:
        raise error

    result = await a_loop(CallableLLM(later if is_async else now), max_iterations=1).arun()

    assert result.status == "ERROR"
    assert type(error).__name__ in result.reason


async def test_one_client_serves_loops_in_many_threads_and_event_loops_at_once() -> None:
    together = threading.Barrier(4, timeout=20)
    async with serve(lambda _: Call("work", "{}")) as server:
        llm = OpenAILLM("m", base_url=server.openai_url)

        def run(number: int) -> str:
            together.wait()
            return str(a_loop(llm, [Counting().tool], max_iterations=2).run().status)

        def race() -> list[str]:
            with ThreadPoolExecutor(4) as pool:
                return list(pool.map(run, range(8)))

        statuses = await asyncio.to_thread(race)
        beside = await asyncio.gather(*(a_loop(llm, [Counting().tool], max_iterations=2).arun() for _ in range(4)))

    assert statuses == ["BUDGET_EXHAUSTED"] * 8
    assert [each.status for each in beside] == ["BUDGET_EXHAUSTED"] * 4
