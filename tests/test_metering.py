"""No ceiling is overshot, whatever runs at once; retries, the rate limit and prices do what they say."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinman.budget import Amount, Budget, Limits
from tinman.errors import (
    BudgetExhausted,
    ConfigError,
    GarbledReply,
    KeyRefused,
    ProviderError,
    ProviderTimeout,
    ProviderUnavailable,
    RateLimited,
    RequestRefused,
)
from tinman.events import EventBus
from tinman.messages import Reply, Request, ToolSpec, Usage, say
from tinman.models import prices
from tinman.models.base import CallableModel
from tinman.models.limiter import ProviderLimiter
from tinman.models.metered import Metered, Metering
from tinman.models.sizes import prompt_bound, prompt_bytes

QUESTION = Request(messages=(say("user", "hi"),), params={"max_tokens": 10})
BOUND = prompt_bound(QUESTION) + 10


class Script:
    """A model of known price that goes through ``acts``: a usage to report, an error to raise, or a wait for ever."""

    provider = "test"
    name = "m"

    def __init__(self, *acts: Usage | ProviderError | None, yields: Callable[[], int] = lambda: 0) -> None:
        self.acts = list(acts)
        self.seen: list[Request] = []
        self._yields = yields

    async def complete(self, request: Request) -> Reply:
        self.seen.append(request)
        act = self.acts.pop(0) if self.acts else Usage(calls=1, input_tokens=3, output_tokens=2)
        for _ in range(self._yields()):
            await anyio.lowlevel.checkpoint()
        if isinstance(act, ProviderError):
            raise act
        if act is None:
            await anyio.sleep_forever()
            raise AssertionError
        return Reply(message=say("assistant", "ok"), usage=act)

    async def aclose(self) -> None:
        pass


RATES = {"test:m": prices.Rate(input_usd=1.0, output_usd=2.0)}


class Naps:
    """A sleep that takes no time, and the clock that believes in it."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def now(self) -> float:
        return sum(self.seconds)

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await anyio.lowlevel.checkpoint()


def metered(model: Script, budget: Budget | None = None, *, naps: Naps | None = None, max_attempts: int = 4) -> Metered:
    night = naps or Naps()
    return Metered(
        model,
        Metering(
            limiter=ProviderLimiter(64, sleep=night, now=night.now),
            max_attempts=max_attempts,
            price_overrides=RATES,
            sleep=night,
        ),
        budget=budget or Budget(),
    )


acts = st.one_of(
    st.builds(
        lambda i, o: Usage(calls=1, input_tokens=i, output_tokens=o),
        st.integers(0, BOUND - 10),
        st.integers(0, 10),
    ),
    st.sampled_from(
        [RateLimited("slow", retry_after_seconds=0), ProviderUnavailable("down"), GarbledReply("?"), KeyRefused("no")]
    ),
    st.just(ProviderTimeout("late")),
    st.none(),
)


@settings(max_examples=60, deadline=None)
@given(
    script=st.lists(acts, max_size=40),
    callers=st.integers(1, 24),
    parent_tokens=st.integers(0, 30 * BOUND),
    child_tokens=st.integers(0, 20 * BOUND),
    calls=st.integers(0, 30),
    usd=st.floats(0, 0.003),
    seed=st.integers(0, 2**16),
)
def test_nothing_is_ever_overshot_whatever_runs_at_once(
    script: list[Usage | ProviderError | None],
    callers: int,
    parent_tokens: int,
    child_tokens: int,
    calls: int,
    usd: float,
    seed: int,
) -> None:
    dice = random.Random(seed)
    worst: list[str] = []

    def look(*budgets: Budget) -> int:
        worst.extend(
            f"{budget.spent} + {budget.held} over {budget.limits}"
            for budget in budgets
            if not budget.limits.ceiling.covers(budget.spent + budget.held)
        )
        return dice.randrange(4)

    async def main() -> None:
        parent = Budget(Limits(tokens=parent_tokens, calls=calls, usd=usd))
        children = [parent.carve(Limits(tokens=child_tokens)), parent.carve(Limits(calls=calls))]
        model = Script(*script, yields=lambda: look(parent, *children))
        wrapped = [metered(model, child) for child in children]

        async def call(number: int) -> None:
            with anyio.move_on_after(0.02):
                try:
                    await wrapped[number % 2].complete(QUESTION)
                except (ProviderError, BudgetExhausted):
                    return

        async with anyio.create_task_group() as group:
            for number in range(callers):
                group.start_soon(call, number)
        look(parent, *children)

        assert parent.held == children[0].held == children[1].held == Amount()
        assert children[0].spent + children[1].spent == parent.spent
        assert parent.spent.calls <= len(model.seen)

    anyio.run(main)

    assert worst == []


@pytest.mark.parametrize(
    ("error", "attempts"),
    [
        (RateLimited("slow"), 4),
        (ProviderUnavailable("down"), 4),
        (GarbledReply("?"), 4),
        (ProviderTimeout("late"), 4),
        (KeyRefused("no"), 1),
        (RequestRefused("wrong"), 1),
    ],
)
async def test_only_errors_that_may_pass_are_tried_again(error: ProviderError, attempts: int) -> None:
    model = Script(*[error] * 9)
    with pytest.raises(type(error)):
        await metered(model).complete(QUESTION)

    assert len(model.seen) == attempts


@pytest.mark.parametrize(
    ("error", "tokens"),
    [
        (RateLimited("slow"), 0),
        (ProviderUnavailable("down"), 0),
        (KeyRefused("no"), 0),
        (ProviderTimeout("late"), BOUND),
        (GarbledReply("?"), BOUND),
    ],
)
async def test_what_may_have_been_billed_counts_in_full_and_what_was_not_counts_as_a_call(
    error: ProviderError, tokens: int
) -> None:
    budget = Budget()
    with pytest.raises(type(error)):
        await metered(Script(error), budget, max_attempts=1).complete(QUESTION)

    assert (budget.spent.calls, budget.spent.tokens) == (1, tokens)


async def test_usage_counts_every_attempt_and_is_priced() -> None:
    budget = Budget(Limits(usd=1.0))
    reply = await metered(Script(ProviderUnavailable("down"), RateLimited("slow")), budget).complete(QUESTION)

    assert reply.usage == Usage(calls=3, input_tokens=3, output_tokens=2, nano_usd=3 * 1000 + 2 * 2000)
    assert budget.spent == Amount(calls=3, tokens=5, nano_usd=7000)


async def test_backing_off_doubles_with_jitter_and_is_the_same_every_time() -> None:
    naps, again = Naps(), Naps()
    for nap in (naps, again):
        with pytest.raises(ProviderUnavailable):
            await metered(Script(*[ProviderUnavailable("down")] * 4), naps=nap).complete(QUESTION)

    assert naps.seconds == again.seconds
    assert all(base / 2 <= wait < base * 1.5 for base, wait in zip((0.5, 1.0, 2.0), naps.seconds, strict=True))


async def test_the_providers_own_waiting_time_is_kept() -> None:
    naps = Naps()
    await metered(Script(ProviderUnavailable("down", retry_after_seconds=7.5)), naps=naps).complete(QUESTION)

    assert naps.seconds == [7.5]


async def test_a_waiting_time_beyond_patience_ends_the_call_at_once() -> None:
    model = Script(RateLimited("slow", retry_after_seconds=3600))
    with pytest.raises(RateLimited):
        await metered(model).complete(QUESTION)

    assert len(model.seen) == 1


async def test_an_attempt_ends_at_its_deadline_and_counts_in_full() -> None:
    budget = Budget()
    hasty = Metering(max_attempts=1, attempt_timeout_seconds=0.01, price_overrides=RATES)
    wrapped = Metered(Script(None), hasty, budget=budget)
    with pytest.raises(ProviderTimeout, match=r"within 0\.01 s"):
        await wrapped.complete(QUESTION)

    assert budget.spent.tokens == BOUND


async def test_the_budgets_deadline_cuts_an_attempt_short() -> None:
    budget = Budget(Limits(seconds=0.02)).carve(Limits(calls=5))
    with pytest.raises((ProviderTimeout, BudgetExhausted)):
        await metered(Script(None), budget).complete(QUESTION)

    assert budget.seconds_left == 0
    with pytest.raises(BudgetExhausted, match=r"seconds ceiling 0\.02"):
        budget.check_deadline()


async def test_cancelling_is_never_swallowed_and_counts_in_full() -> None:
    budget = Budget()
    with anyio.move_on_after(0.01) as scope:
        await metered(Script(None), budget).complete(QUESTION)

    assert scope.cancelled_caught
    assert budget.spent.tokens == BOUND


async def test_max_tokens_is_always_sent_and_more_choices_reserve_more() -> None:
    model = Script()
    await metered(model).complete(Request(messages=QUESTION.messages))
    budget = Budget(Limits(tokens=BOUND + 5))
    with pytest.raises(BudgetExhausted):
        await metered(model, budget).complete(Request(messages=QUESTION.messages, params={"max_tokens": 10, "n": 2}))

    assert model.seen[0].params["max_tokens"] == 1024


@pytest.mark.parametrize(("said", "taken"), [("12", 12), (12.0, 12), (None, None), (1.5, None)])
async def test_what_a_model_says_it_used_is_whole_numbers_or_garbled(said: Any, taken: int | None) -> None:
    budget = Budget(Limits(tokens=10_000))
    model = Metered(Script(Usage(calls=1, input_tokens=said, output_tokens=2)), Metering(max_attempts=1), budget=budget)
    if taken is None:
        with pytest.raises(GarbledReply, match="test:m returned usage that is no count"):
            await model.complete(QUESTION)
        assert budget.spent.tokens == BOUND
    else:
        assert (await model.complete(QUESTION)).usage.input_tokens == taken
        assert repr(budget.spent.tokens) == "14"


async def test_a_provider_that_counts_more_than_the_bound_is_believed_and_remembered() -> None:
    budget = Budget(Limits(tokens=3 * BOUND))
    wrapped = metered(Script(Usage(calls=1, input_tokens=2 * BOUND, output_tokens=2)), budget)
    await wrapped.complete(QUESTION)
    with pytest.raises(BudgetExhausted):
        await wrapped.complete(QUESTION)

    assert budget.spent.tokens == 2 * BOUND + 2


async def test_a_dollar_ceiling_refuses_a_model_of_unknown_price() -> None:
    wrapped = Metered(Script(), budget=Budget(Limits(usd=1.0)).carve(Limits()))
    with pytest.raises(ConfigError, match="has no known price"):
        await wrapped.complete(QUESTION)
    reply = await Metered(Script(), budget=Budget(Limits(calls=1))).complete(QUESTION)

    assert reply.usage.nano_usd is None


HERE, THERE = "http://127.0.0.1:8000/v1", "http://models.example/v1"


class Served(Script):
    """A model behind a base URL."""

    def __init__(self, name: str, url: str) -> None:
        super().__init__()
        self.provider, self.name, self.price_provider = "openai", name, url


@pytest.mark.parametrize("url", [HERE, THERE, "openai"])
@pytest.mark.parametrize(
    ("keys", "usd"), [(["openai:m"], 1.0), (["{url}:m"], 1.0), (["{url}:m", "openai:m"], 2.0)], ids=repr
)
async def test_the_users_own_price_counts_wherever_the_model_is_served(url: str, keys: list[str], usd: float) -> None:
    overrides = {key.format(url=url): prices.Rate(input_usd=i, output_usd=i) for i, key in enumerate(keys, start=1)}
    model = Metered(Served("m", url), Metering(price_overrides=overrides), budget=Budget(Limits(usd=1)))

    assert (await model.complete(QUESTION)).usage.nano_usd == 5 * usd * 1000


async def test_a_known_model_is_priced_behind_a_server_of_ones_own_too() -> None:
    here = Metered(Served("gpt-4o", HERE), budget=Budget(Limits(usd=1)))
    there = Metered(Served("gpt-4o", "openai"), budget=Budget(Limits(usd=1)))

    assert (await here.complete(QUESTION)).usage.nano_usd == (await there.complete(QUESTION)).usage.nano_usd != 0


async def test_a_server_of_ones_own_is_free_unless_money_is_limited() -> None:
    assert (await Metered(Served("m", HERE), budget=Budget()).complete(QUESTION)).usage.nano_usd == 0
    with pytest.raises(ConfigError, match="0 for your own hardware"):
        await Metered(Served("m", HERE), budget=Budget(Limits(usd=1))).complete(QUESTION)
    free = {"openai:m": prices.Rate(input_usd=0, output_usd=0)}
    priced = Metered(Served("m", HERE), Metering(price_overrides=free), budget=Budget(Limits(usd=1)))
    assert (await priced.complete(QUESTION)).usage.nano_usd == 0


async def test_what_happens_can_be_watched() -> None:
    bus = EventBus()
    wrapped = Metered(Script(ProviderUnavailable("down")), Metering(bus=bus, sleep=Naps()), budget=Budget())
    with bus.subscribe() as events:
        await wrapped.complete(QUESTION)
        names = [events.receive_nowait().name for _ in range(2)]

    assert names == ["model.retried", "model.called"]


async def test_the_limit_grows_with_success_and_halves_once_for_a_burst_of_429s() -> None:
    limiter = ProviderLimiter(8, sleep=Naps())
    for _ in range(9):
        limiter.succeeded()
    grown = limiter.limit
    async with limiter.slot() as first, limiter.slot() as second:
        limiter.throttled(first, 0)
        limiter.throttled(second, 0)

    assert grown == 9
    assert limiter.limit == 4


async def test_the_limit_has_a_floor_and_a_top() -> None:
    limiter = ProviderLimiter(2, 3)
    for _ in range(50):
        limiter.succeeded()
    top = limiter.limit
    for _ in range(5):
        async with limiter.slot() as slot:
            limiter.throttled(slot, 0)

    assert (top, limiter.limit) == (3, 1)


async def test_no_more_calls_run_than_the_limit_allows() -> None:
    limiter = ProviderLimiter(3)
    peak = 0

    async def call() -> None:
        nonlocal peak
        async with limiter.slot():
            peak = max(peak, limiter.in_flight)
            await anyio.lowlevel.checkpoint()

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(call)

    assert (peak, limiter.in_flight) == (3, 0)


async def test_a_pause_holds_back_the_next_launch() -> None:
    limiter = ProviderLimiter(4)
    async with limiter.slot() as slot:
        limiter.throttled(slot, 0.01)
    async with limiter.slot() as slot:
        waited = slot.waited_seconds

    assert 0.005 < waited < 0.012


async def test_waiting_too_long_for_a_place_is_an_error_and_leaves_no_trace() -> None:
    limiter = ProviderLimiter(1, max_wait_seconds=0.01)
    async with limiter.slot():
        with pytest.raises(RateLimited, match="no free place"):
            async with limiter.slot():
                pass
    async with limiter.slot():
        alone = limiter.in_flight

    assert alone == 1


def test_known_prices_are_exact_and_unknown_ones_are_none() -> None:
    usage = Usage(calls=1, input_tokens=1000, output_tokens=100)

    assert prices.price("openai", "gpt-4o-mini", usage) == int(Decimal("0.00021") * 10**9)
    assert prices.price("openai", "no-such-model", usage) is None
    assert prices.price("https://nobody.example/v1", "m", usage) is None
    assert prices.price("http://127.0.0.1:8000/v1", "m", usage) == 0
    assert prices.price("callable", "f", usage) == 0
    assert prices.price("test", "m", usage, overrides=RATES) == 1_200_000


@given(
    model=st.sampled_from(["claude-sonnet-4-5", "claude-3-5-haiku-latest", "claude-opus-4-1"]),
    into=st.integers(0, 400_000),
    out=st.integers(0, 50_000),
    spare=st.integers(0, 1000),
    read=st.integers(0, 300_000),
    write=st.integers(0, 300_000),
)
def test_a_price_never_exceeds_its_bound(model: str, into: int, out: int, spare: int, read: int, write: int) -> None:
    usage = Usage(calls=1, input_tokens=into, output_tokens=out)
    cost = prices.price("anthropic", model, usage, cache={"read": read, "write_1h": write})
    most = prices.bound("anthropic", model, into + spare, out + spare)

    assert cost is not None
    assert most is not None
    assert cost <= most


@given(text=st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_the_size_of_a_prompt_is_at_least_its_bytes(text: str) -> None:
    request = Request(messages=(say("user", text),), tools=(ToolSpec(name="t", description=text),))

    assert prompt_bound(request) > prompt_bytes(request) >= 2 * len(text.encode())


async def test_a_plain_callable_runs_metered() -> None:
    budget = Budget(Limits(usd=0.01))
    reply = await Metered(CallableModel(lambda messages, tools: "pong"), budget=budget).complete(QUESTION)

    assert (reply.message.text, reply.usage.nano_usd, budget.spent.calls) == ("pong", 0, 1)


class Talker(Script):
    """Replies of 20 to 40 tokens, whatever is allowed; ``cuts`` one that would go on beyond its cap."""

    def __init__(self, *, cuts: bool = False) -> None:
        super().__init__(yields=lambda: 3)
        self.cuts = cuts

    async def complete(self, request: Request) -> Reply:
        reply = await super().complete(request)
        cap = request.params["max_tokens"]
        said = cap if self.cuts and cap < 4096 else 20 + len(self.seen) % 21
        usage = Usage(calls=1, input_tokens=prompt_bytes(request) // 4 + 1, output_tokens=said)
        return Reply(message=reply.message, usage=usage, stop="length" if said == cap else "end")


@pytest.mark.parametrize("at_once", [1, 4, 16])
@pytest.mark.parametrize("limits", [Limits(usd=0.05), Limits(tokens=30_000)])
async def test_nine_tenths_of_a_ceiling_can_be_used_and_it_is_never_passed(at_once: int, limits: Limits) -> None:
    budget = Budget(limits)
    metered = Metered(Talker(), Metering(price_overrides=RATES), budget=budget)
    question = Request(messages=(say("user", "hi"),), params={"max_tokens": 4096})

    async def ask() -> None:
        with pytest.raises(BudgetExhausted, match="the next call may need up to"):
            while True:
                await metered.complete(question)

    async with anyio.create_task_group() as group:
        for _ in range(at_once):
            group.start_soon(ask)
    assert budget.limits.ceiling.covers(budget.spent)
    used = budget.spent.nano_usd / 5e7 if limits.usd else budget.spent.tokens / 30_000
    assert used >= 0.9


@pytest.mark.parametrize("at_once", [1, 8, 16])
async def test_what_a_provider_adds_to_each_prompt_is_counted_once_however_many_calls_run(at_once: int) -> None:
    acts = [Usage(calls=1, input_tokens=3_000, output_tokens=2)] * 64
    metered = Metered(Script(*acts, yields=lambda: 3), budget=Budget())
    async with anyio.create_task_group() as group:
        for _ in range(at_once):
            group.start_soon(metered.complete, QUESTION)

    assert metered._priced.surplus <= 3_002


async def test_a_reply_cut_off_for_a_ceilings_sake_is_never_returned() -> None:
    budget = Budget(Limits(usd=0.05))
    metered = Metered(Talker(cuts=True), Metering(price_overrides=RATES), budget=budget)
    question = Request(messages=(say("user", "hi"),), params={"max_tokens": 4096})

    replies = []
    with pytest.raises(BudgetExhausted):
        while True:
            replies.append(await metered.complete(question))
    assert {reply.stop for reply in replies} == {"end"}


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            BudgetExhausted("usd", ceiling=0.5, used=0.1055, needed=0.4),
            "ceiling 0.5000 reached (0.1055 used, the next call may need up to 0.4000",
        ),
        (
            BudgetExhausted("tokens", ceiling=81_000_000, used=12, needed=4096),
            "ceiling 81,000,000 reached (12 used, the next call may need up to 4,096",
        ),
        (BudgetExhausted("calls", ceiling=30, used=30, needed=1), "calls ceiling 30 reached (30 used);"),
    ],
)
def test_a_ceiling_says_what_is_used_and_what_the_next_call_may_need(error: BudgetExhausted, told: str) -> None:
    assert told in str(error)


@pytest.mark.parametrize("said", [-1, 10**30, 2**63])
async def test_a_count_that_cannot_be_is_garbled(said: int) -> None:
    metered = Metered(Script(Usage(input_tokens=said)), Metering(max_attempts=1), budget=Budget())
    with pytest.raises(GarbledReply, match="no count"):
        await metered.complete(QUESTION)
