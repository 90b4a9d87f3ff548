"""A target of somebody's own, with the least a target needs, is counted and can be patched like any other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tinman.budget import Budget, Limits
from tinman.errors import BudgetExhausted
from tinman.events import EventBus
from tinman.messages import Message, Reply, Request, say
from tinman.meters import Meters
from tinman.patches.apply import apply
from tinman.patches.kinds import Guardrail
from tinman.scenarios.checks import StateHolds
from tinman.scenarios.run import run_scenario
from tinman.scenarios.scenario import Scenario, Turn
from tinman.targets.base import Call, Capabilities, Layer, fold
from tinman.targets.foreign import ForeignTarget
from tinman.targets.load import as_target
from tinman.targets.world import World
from tinman.tinman import create_tinman


class Own:
    """The nine members there were when a target was first described, and a state to ask for."""

    name = "own"
    seam = "turn"
    capabilities = Capabilities()
    fingerprint = "own-1"

    def __init__(self, layers: tuple[Layer, ...] = ()) -> None:
        self.layers = layers

    def around(self, layer: Layer) -> Own:
        return Own((*self.layers, layer))

    @asynccontextmanager
    async def open(self, *, user: str, session: str, world: World) -> AsyncIterator[Talk]:
        yield Talk(self.layers)

    async def preflight(self) -> None:
        """It is always there."""

    async def aclose(self) -> None:
        """Nothing is held open."""


class Talk:
    def __init__(self, layers: tuple[Layer, ...]) -> None:
        self._call: Call = fold(self._answer, layers)

    async def _answer(self, request: Request) -> Reply:
        return Reply(message=say("assistant", "The code is 4711."))

    async def send(self, request: Request) -> Reply:
        return await self._call(request)

    async def state(self, name: str, arguments: dict[str, Any]) -> bool:
        return name == "sound"


def meters(budget: Budget) -> Meters:
    return Meters(budget, bus=EventBus(), concurrency=4, price_overrides=None, backoff_seconds=0.0)


def asked(*, turns: int = 1, state: str = "sound") -> Scenario:
    said = tuple(Turn(user=f"hello {n}", checks=(StateHolds(name=state),)) for n in range(turns))
    return Scenario(scenario_id="s", turns=said)


async def test_each_of_its_turns_is_a_call_and_no_ceiling_is_overshot() -> None:
    budget = Budget(Limits(calls=3))
    target = as_target(Own()).metered(meters(budget).of_target(retries=0))
    outcome = await run_scenario(target, asked(turns=3))

    assert (outcome.verdict, outcome.usage.calls, budget.spent.calls) == ("ok", 3, 3)
    with pytest.raises(BudgetExhausted, match="calls ceiling 3"):
        await run_scenario(target, asked())


@pytest.mark.parametrize(("state", "verdict"), [("sound", "ok"), ("ill", "failure")])
async def test_it_is_still_asked_for_its_state(state: str, verdict: str) -> None:
    target = as_target(Own()).metered(meters(Budget()).of_target(retries=0))

    assert (await run_scenario(target, asked(state=state))).verdict == verdict


async def test_a_patch_acts_on_it_metered_or_not() -> None:
    target = as_target(Own())
    guard = Guardrail(direction="out", patterns=("4711",))
    for each in (apply(target, guard), apply(target.metered(meters(Budget()).of_target(retries=0)), guard)):
        async with each.open(user="u", session="s", world=World()) as session:
            reply = await session.send(Request(messages=(Message(role="user", parts=()),)))
        assert "4711" not in reply.message.text
        assert each.layers
        assert each.fingerprint == "own-1"


async def test_a_cycle_counts_it() -> None:
    async with await create_tinman(target=Own(), store=":memory:") as tinman:
        assert isinstance(tinman.target, ForeignTarget)
        result = await tinman.research_cycle(
            max_hypotheses=2, max_experiments=1, max_interventions=0, reconnaissance=False
        )

    assert result.usage.calls == sum(run.usage.calls for each in result.results for run in each.runs) > 0
