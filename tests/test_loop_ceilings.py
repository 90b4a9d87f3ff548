"""Whatever models, delays and concurrency: tokens and money keep their ceiling, wall clock ends within its grace."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from loops import a_loop, playing, says

from tinman.budget import Budget, Limits
from tinman.errors import ProviderTimeout, ProviderUnavailable
from tinman.loop import Loop, NestedLoopError, tool
from tinman.loop.session.ceilings import GRACE_SECONDS
from tinman.loop.session.measured import MeasuredPrompts
from tinman.messages import Reply, Request, Usage, say
from tinman.models.metered import Metered, Metering
from tinman.models.sizes import prompt_bound, prompt_bytes

SETTINGS = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
PRICE = {"m": (3.0, 15.0)}
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["plan", "idle", "invalid", "away", "timeout"]),
        st.floats(0.0, 1.0),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=30,
)


class Obedient:
    """A model that keeps ``max_tokens`` and uses any share of what it may; it plays a script of mishaps.

    It has one tokenizer: the same text is counted alike in every call.
    """

    provider = "custom"
    name = "m"

    def __init__(self, script: list[tuple[str, float, int]]) -> None:
        self.script = script
        self.tokens_a_byte = 0.05 + 0.95 * (script[0][1] if script else 1.0)
        self.asked = 0
        self.used = 0

    async def complete(self, request: Request) -> Reply:
        kind, share, ticks = self.script[self.asked % len(self.script)]
        self.asked += 1
        for _ in range(ticks):
            await asyncio.sleep(0)
        bound = prompt_bound(request)
        cap = request.params["max_tokens"]
        tokens = (int(bound * self.tokens_a_byte), max(1, int(cap * share)))
        if kind == "away":
            raise ProviderUnavailable("away")
        self.used += sum(tokens)
        if kind == "timeout":
            raise ProviderTimeout("late")  # the provider may have charged for it
        calls = {"plan": [("work", {"n": self.asked})], "invalid": [("nothing", {})]}.get(kind, [])
        return says("text " * 20, *calls, tokens=tokens)

    async def aclose(self) -> None: ...


def working() -> Any:
    @tool
    async def work(n: int) -> str:
        """Work."""
        await asyncio.sleep(0)
        return f"result {n} " * 20

    return work


@SETTINGS
@given(script=STEPS, limit=st.integers(500, 40_000), cap=st.integers(1, 5_000))
def test_tokens_never_exceed_the_ceiling(script: list[tuple[str, float, int]], limit: int, cap: int) -> None:
    model = Obedient(script)
    loop = a_loop(model, [working()], token_limit=limit, max_tokens_per_call=cap, max_iterations=50, max_attempts=3)
    result = asyncio.run(loop.arun())

    assert model.used <= limit
    assert loop.budget.spent.tokens <= limit
    assert result.status in {"BUDGET_EXHAUSTED", "PLAN_FAILED", "ERROR"}


@SETTINGS
@given(script=STEPS, usd=st.floats(0.001, 0.5), cap=st.integers(1, 5_000))
def test_money_never_exceeds_the_ceiling(script: list[tuple[str, float, int]], usd: float, cap: int) -> None:
    model = Obedient(script)
    loop = a_loop(
        model,
        [working()],
        token_limit=10**7,
        cost_limit_usd=usd,
        pricing=PRICE,
        max_tokens_per_call=cap,
        max_iterations=50,
        max_attempts=3,
    )
    result = asyncio.run(loop.arun())

    assert loop.budget.spent.nano_usd <= round(usd * 1e9)
    assert result.metrics.cost_usd is not None
    assert result.metrics.cost_usd <= usd + 1e-9


@SETTINGS
@given(
    script=STEPS, limit=st.integers(2_000, 40_000), shares=st.lists(st.integers(500, 30_000), min_size=1, max_size=4)
)
def test_loops_side_by_side_share_one_ceiling(
    script: list[tuple[str, float, int]], limit: int, shares: list[int]
) -> None:
    async def together() -> tuple[Budget, list[Obedient]]:
        parent = Budget(Limits(tokens=limit))
        models = [Obedient(script[n % len(script) :] + script) for n, _ in enumerate(shares)]
        loops = [
            a_loop(model, [working()], budget=parent.carve(Limits(tokens=share)), max_iterations=10, max_attempts=2)
            for model, share in zip(models, shares, strict=True)
        ]
        await asyncio.gather(*(loop.arun() for loop in loops))
        return parent, models

    parent, models = asyncio.run(together())

    assert parent.spent.tokens <= limit
    assert sum(model.used for model in models) <= limit
    assert all(model.used <= share for model, share in zip(models, shares, strict=True))


@SETTINGS
@given(script=STEPS, limit=st.integers(2_000, 30_000), share=st.integers(500, 60_000))
def test_a_loop_inside_a_tool_spends_out_of_its_parent(
    script: list[tuple[str, float, int]], limit: int, share: int
) -> None:
    inner_models: list[Obedient] = []

    @tool
    async def work(n: int) -> str:
        """Run a loop inside."""
        model = Obedient(script)
        inner_models.append(model)
        return str((await a_loop(model, budget=parent.carve(tokens=share), max_iterations=3).arun()).status)

    outer = Obedient(script)
    parent: Loop = a_loop(outer, [work], token_limit=limit, max_iterations=6, max_attempts=2)
    asyncio.run(parent.arun())

    assert outer.used + sum(model.used for model in inner_models) <= limit
    assert parent.budget.spent.tokens <= limit


async def test_on_a_metered_model_a_loop_spends_out_of_its_budget_and_tries_as_often_as_it_says() -> None:
    """As inside a research cycle: one meter, one limiter, and no attempt more than the cycle allows."""
    down = playing(ProviderUnavailable("down"))
    budget = Budget(Limits(calls=3, tokens=100_000))
    meter = Metered(down, Metering(max_attempts=2, backoff_seconds=0.0), budget=budget)
    failed = await a_loop(meter).arun()
    talks = Metered(playing(says("idle")), budget=budget)
    stopped = await a_loop(talks, max_iterations=9).arun()

    assert (failed.status, len(down.requests)) == ("ERROR", 2)
    assert (stopped.status, stopped.iterations, budget.spent.calls) == ("BUDGET_EXHAUSTED", 1, 3)
    assert (meter.usage.calls, talks.usage.calls) == (0, 1)


@SETTINGS
@given(overrun=st.integers(1, 10_000))
def test_a_model_that_overruns_its_cap_is_stopped_at_once_with_the_amount(overrun: int) -> None:
    class Greedy(Obedient):
        async def complete(self, request: Request) -> Reply:
            self.asked += 1
            return says("x", ("work", {"n": 1}), tokens=(0, 5_000 + overrun))

    model, worked = Greedy([]), working()
    loop = a_loop(model, [worked], token_limit=5_000)
    result = asyncio.run(loop.arun())

    assert (result.status, model.asked) == ("BUDGET_EXHAUSTED", 1)
    assert f"overrun by {overrun:,}" in result.reason
    assert loop.state.iterations[0].actions == ()


@settings(max_examples=8, deadline=None)
@given(where=st.sampled_from(["observe", "model", "tool", "sync tool"]), limit=st.floats(0.02, 0.1))
def test_wall_clock_is_exceeded_by_no_more_than_the_grace(where: str, limit: float) -> None:
    async def slow(*_: Any) -> str:
        await asyncio.sleep(30)
        return ""

    class Slow(Obedient):
        async def complete(self, request: Request) -> Reply:
            if where == "model":
                await asyncio.sleep(30)
            return says("", ("work", {}))

    @tool
    async def work() -> str:
        """Be slow."""
        if where == "tool":
            await asyncio.sleep(30)
        return ""

    @tool(name="work")
    def blocking() -> str:
        """Block."""
        time.sleep(10)
        return ""

    began = time.monotonic()
    loop = a_loop(
        Slow([]),
        [blocking if where == "sync tool" else work],
        observe=slow if where == "observe" else None,
        wall_clock_s=limit,
        max_iterations=10_000,
        token_limit=10**9,
    )
    result = asyncio.run(loop.arun())

    assert result.status == "BUDGET_EXHAUSTED"
    assert time.monotonic() - began < limit + GRACE_SECONDS


def test_the_guard_of_nested_loops_is_an_error_of_the_tree() -> None:
    from tinman.errors import TinmanError

    assert issubclass(NestedLoopError, TinmanError)


# -- how much of a ceiling can be used


def tokenizing() -> Any:
    """Return a model that counts four bytes a token, as real ones do, and calls the tool with something new."""

    class Tokenizing:
        provider = "custom"
        name = "m"
        used = 0
        asked = 0

        async def complete(self, request: Request) -> Reply:
            self.asked += 1
            tokens = (prompt_bytes(request) // 4, min(request.params["max_tokens"], 60))
            self.used += sum(tokens)
            return says("I look at the next one.", ("work", {"n": self.asked}), tokens=tokens)

        async def aclose(self) -> None: ...

    return Tokenizing()


@pytest.mark.parametrize(("limit", "share"), [(10_000, 0.8), (50_000, 0.95), (200_000, 0.98)])
async def test_most_of_a_token_ceiling_can_be_used_and_it_is_never_passed(limit: int, share: float) -> None:
    model = tokenizing()
    result = await a_loop(model, [working()], token_limit=limit, max_iterations=10_000, max_tokens_per_call=256).arun()

    assert result.status == "BUDGET_EXHAUSTED"
    assert share * limit <= model.used == result.metrics.total_tokens <= limit


async def test_the_reason_says_what_the_next_call_may_need_and_what_is_left() -> None:
    model = tokenizing()
    result = await a_loop(model, [working()], token_limit=10_000, max_iterations=1_000).arun()
    found = re.fullmatch(
        r"token_limit \(10,000\): the next call may need up to ([\d,]+) of the ([\d,]+) left", result.reason
    )
    assert found is not None, result.reason
    need, left = (int(number.replace(",", "")) for number in found.groups())

    assert need > left == 10_000 - model.used
    money = a_loop(tokenizing(), [working()], cost_limit_usd=0.02, pricing=PRICE, max_iterations=1_000)
    assert "the next call may need up to 0." in (await money.arun()).reason


@SETTINGS
@given(st.lists(st.lists(st.sampled_from(["a", "<user>", "## Last", "ä" * 9, ""]), max_size=9), min_size=2, max_size=5))
def test_a_measured_bound_is_never_below_what_a_tokenizer_counts(texts: list[list[str]]) -> None:
    """Here a line has as many tokens as it has pairs of bytes."""

    def count(request: Request) -> int:
        lines = [line for message in request.messages for line in message.text.split("\n")]
        return 5 + sum(-(-len(line.encode()) // 2) + 1 for line in lines)

    measured = MeasuredPrompts()
    for lines in texts:
        request = Request(messages=(say("system", "be brief"), say("user", "\n".join(lines))))
        assert count(request) <= measured(request) <= prompt_bound(request)
        measured.learn(request, Usage(calls=1, input_tokens=count(request)))


def test_a_count_that_a_text_cannot_have_is_not_built_upon() -> None:
    measured = MeasuredPrompts()
    request = Request(messages=(say("user", "word " * 1_000),))
    for odd in (0, 1, 10):
        measured.learn(request, Usage(calls=1, input_tokens=odd))
        assert measured(request) == prompt_bound(request)
    measured.learn(request, Usage(calls=1, input_tokens=1_000))
    assert measured(request) == 1_000
