"""An experiment whose runs cannot carry a finding is not validated, however strong its evidence looks."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from tinman import stats
from tinman.agents.base import AgentContext
from tinman.agents.experiment_executor import ExperimentExecutor
from tinman.errors import ProviderError
from tinman.messages import Request
from tinman.records import ExperimentDesign, ExperimentResult
from tinman.scenarios.checks import ContainsAny
from tinman.scenarios.scenario import Scenario, ScenarioPair, Turn
from tinman.targets.world import World
from tinman.taxonomy import FailureClass
from tinman.testing import Line, ScriptedTarget

SCREENED = 6
GONE = ProviderError("scripted: no answer")


def scenario(text: str) -> Scenario:
    return Scenario(scenario_id=text, turns=(Turn(user=text, checks=(ContainsAny(values=("fine",)),)),))


def design(name: str = "one") -> ExperimentDesign:
    return ExperimentDesign(
        id=f"experiment-{name}",
        hypothesis_id=f"hypothesis-{name}",
        name="a stress",
        stress_type="logical_chain",
        failure_class=FailureClass.REASONING,
        test_cases=tuple(
            ScenarioPair(
                case=f"case {i}",
                base_task=f"task {i % 8}",
                stressed=scenario(f"{name} stress {i}"),
                control=scenario(f"{name} control {i}"),
            )
            for i in range(46)
        ),
    )


class Arms:
    """Fails under stress and holds without it, but for the first confirm runs of an arm."""

    def __init__(self, *, stress: tuple[Line, ...] = (), control: tuple[Line, ...] = ()) -> None:
        self.stress = stress
        self.control = list(control)

    def __call__(self, request: Request, world: World) -> Line:
        name, arm, number = request.messages[-1].text.split()
        if arm == "control":  # the first one only says whether the failure of the screen is worth confirming
            is_confirming = int(number) >= SCREENED
            return self.control.pop(0) if self.control and name == "one" and is_confirming else "fine"
        position, first = int(number) - SCREENED, self.stress if name == "one" else ("fine",) * 3
        return first[position] if 0 <= position < len(first) else "broken"


async def found(
    play: Arms, *designs: ExperimentDesign, max_experiments: int | None = None
) -> tuple[ExperimentResult, ...]:
    result = await ExperimentExecutor(model_client=ScriptedTarget(play)).run(
        AgentContext(), experiments=designs or (design(),), max_experiments=max_experiments
    )
    assert result.success, result.error
    output: tuple[ExperimentResult, ...] = result.output
    return output


@pytest.mark.parametrize(
    ("play", "standing", "why"),
    [
        (Arms(stress=(GONE, GONE, GONE)), "unmeasurable", "3 of 8 stressed runs"),
        (Arms(control=(GONE, GONE)), "unmeasurable", "2 of 8 control runs"),
    ],
    ids=["stress gave nothing", "control gave nothing"],
)
async def test_more_than_a_fifth_of_an_arm_excludes_a_finding_that_the_evidence_alone_would_confirm(
    play: Arms, standing: str, why: str
) -> None:
    (result,) = await found(play)

    assert result.log_e >= math.log(20)
    assert (result.standing, result.hypothesis_validated) == (standing, False)
    assert why in result.notes


async def test_a_single_lost_run_is_outgrown_by_further_ones() -> None:
    """One of four is above a fifth, and too few to give up on."""
    (result,) = await found(Arms(stress=(GONE,)))

    assert (result.standing, result.stress.indeterminate, result.stress.n) == ("validated", 1, 6)


async def test_a_control_that_fails_now_and_then_raises_the_bar_and_excludes_nothing() -> None:
    """Which of two arms failed is told by each pair: the stressed one alone in most of them is a finding."""
    often = ("broken", "fine", "fine")
    (clean,) = await found(Arms(stress=("fine",)))
    (result,) = await found(Arms(control=often * 14, stress=("fine",)))

    assert result.standing == "validated"
    assert result.control.failures > 0.2 * result.control.n
    assert result.stress.n > clean.stress.n
    assert result.probes[0].only_stress > result.probes[0].only_control


async def test_a_control_that_always_fails_is_no_finding_and_ends_soon() -> None:
    (result,) = await found(Arms(control=("broken",) * 40))

    assert (result.standing, result.stress.n) == ("not_applicable", 8)
    assert "the control fails with it" in result.notes


async def test_what_is_excluded_does_not_lower_the_bar_for_the_others() -> None:
    """With the second of two confirmed a bar of 20 would do for each; as the only one it takes 40."""
    gone = Arms(stress=(GONE, GONE, GONE))
    loose, other = await found(gone, design("one"), design("two"))

    assert loose.standing == "unmeasurable"
    assert other.standing == "validated"
    assert other.log_e >= math.log(2 / 0.05)


async def test_the_bar_counts_those_that_entered_confirming_and_no_run_of_the_screen() -> None:
    """Two are promoted, one has a slot: the bar is then that of one, where with a slot for both it would be twice."""
    slow = replace(design("two"), forecast=1.0)
    results = await found(Arms(), design("one"), slow, max_experiments=1)
    entered, left_out = sorted(results, key=lambda result: -result.stress.n)
    n = entered.stress.n

    assert (entered.experiment_id, entered.standing) == ("experiment-two", "validated")
    assert math.log(20) <= entered.log_e == stats.log_e(n, n - 3, 0, n - 3, 0)
    assert (left_out.standing, left_out.stress.n, left_out.log_e) == ("suspected", 0, 0.0)
