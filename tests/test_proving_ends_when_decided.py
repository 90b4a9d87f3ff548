"""Proving a fix ends early only when its verdict can no longer change: one that does harm is found out, too."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tinman import stats
from tinman.agents.base import AgentContext
from tinman.agents.simulation_engine import SimulationEngine, SimulationResult
from tinman.experiments.proof import is_settled
from tinman.messages import Request
from tinman.patches.kinds import PromptPatch
from tinman.records import (
    Counts,
    DiscoveredFailure,
    ExperimentDesign,
    Intervention,
    InterventionType,
    Paired,
    SimulationOutcome,
)
from tinman.scenarios.checks import ContainsAny
from tinman.scenarios.scenario import Scenario, ScenarioPair, Turn
from tinman.targets.world import World
from tinman.taxonomy import FailureClass, RiskTier, Severity
from tinman.testing import ScriptedTarget

FIRST_PROVEN = 54
RULE = "Answer in verse."


def verdict(cured: int, broken: int, before: int) -> str:
    """What the pairs show, benign cases aside, as the explanation of evidence has it."""
    if stats.mcnemar(cured, broken) <= 0.05:
        return "improved" if cured > broken else "degraded"
    return "inconclusive" if before < 3 or cured > broken else "no change"


@given(st.integers(0, 12), st.integers(0, 12), st.integers(0, 6), st.integers(0, 12))
def test_no_continuation_changes_a_settled_verdict(cured: int, broken: int, both: int, left: int) -> None:
    seen = Paired(n=cured + broken + both, before_failures=cured + both, cured=cured, broken=broken)
    ends = {
        verdict(cured + more, broken + worse, cured + both + more + still)
        for more in range(left + 1)
        for worse in range(left + 1 - more)
        for still in range(left + 1 - more - worse)
    }

    if is_settled(seen, left):
        assert len(ends) == 1
    if ends & {"improved", "degraded"}:
        assert not is_settled(seen, left)


def test_what_cannot_turn_either_way_is_settled() -> None:
    assert is_settled(Paired(n=40, before_failures=0), 2)
    assert is_settled(Paired(n=40, before_failures=20, cured=4, broken=0), 1)
    assert not is_settled(Paired(n=40, before_failures=20, cured=4, broken=0), 2)
    assert is_settled(Paired(n=40, before_failures=20, cured=8, broken=10), 2)


def scenario(text: str) -> Scenario:
    return Scenario(scenario_id=text, turns=(Turn(user=text, checks=(ContainsAny(values=("fine",)),)),))


async def proven(play: ScriptedTarget, pairs: int) -> SimulationResult:
    design = ExperimentDesign(
        id="e",
        hypothesis_id="h",
        name="a stress",
        stress_type="logical_chain",
        failure_class=FailureClass.REASONING,
        test_cases=tuple(
            ScenarioPair(case=f"case {i}", base_task="task", stressed=scenario(f"stress {i}"), control=None)
            for i in range(105)
        ),
    )
    failure = DiscoveredFailure(
        id="f",
        primary_class=FailureClass.REASONING,
        severity=Severity.S2,
        description="it happens",
        experiment_id="e",
        stress=Counts(failures=8),
    )
    fix = Intervention(
        id="i",
        failure_id="f",
        intervention_type=InterventionType.PROMPT_PATCH,
        name="verse",
        payload=PromptPatch(text=RULE),
        risk_tier=RiskTier.REVIEW,
    )
    done = await SimulationEngine(model_client=play).run(
        AgentContext(), interventions=[fix], num_runs=pairs, failures=[failure], experiments=[design]
    )
    assert done.success, done.error
    result: SimulationResult = done.output[0]
    return result


async def test_a_fix_that_cannot_improve_any_more_is_still_found_to_do_harm() -> None:
    """After eight pairs, four broken and none cured, eight more cannot make it an improvement."""

    def play(request: Request, world: World) -> str:
        position = int(request.messages[-1].text.split()[1]) - FIRST_PROVEN
        is_patched = any(RULE in message.text for message in request.messages)
        return "broken" if is_patched and position >= 4 else "fine"

    result = await proven(ScriptedTarget(play), 16)

    assert (result.outcome, result.paired.n) == (SimulationOutcome.DEGRADED, 16)
    assert (result.paired.cured, result.paired.broken) == (0, 12)


async def test_a_failure_that_does_not_happen_any_more_is_not_asked_after_to_the_end() -> None:
    """With two pairs left, three baseline failures are out of reach."""
    result = await proven(ScriptedTarget(lambda request, world: "fine"), 18)

    assert (result.outcome, result.paired.n) == (SimulationOutcome.INCONCLUSIVE, 16)
    assert "not reproducible now" in result.recommendation_reason
