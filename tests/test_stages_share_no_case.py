"""Every stage has cases of its own; one that runs short of them says so and takes none of another stage."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinman.agents.base import AgentContext
from tinman.agents.simulation_engine import SimulationEngine
from tinman.errors import DefinitionError
from tinman.experiments.cases import POOL, CasePlan
from tinman.patches.kinds import PromptPatch
from tinman.records import (
    Counts,
    DiscoveredFailure,
    ExperimentDesign,
    Intervention,
    InterventionType,
    SimulationOutcome,
    SimulationResult,
)
from tinman.scenarios.checks import ContainsAny
from tinman.scenarios.scenario import Scenario, ScenarioPair, Turn
from tinman.taxonomy import FailureClass, RiskTier, Severity
from tinman.testing import ScriptedTarget

RULE = "Always say yes."


def case(number: int) -> ScenarioPair:
    turns = (Turn(user=f"Question {number}?", checks=(ContainsAny(values=("yes",)),)),)
    return ScenarioPair(
        case=f"case-{number}",
        base_task=f"task-{number % 3}",
        stressed=Scenario(scenario_id=f"s-{number}", turns=turns),
        control=Scenario(scenario_id=f"c-{number}", turns=(Turn(user=f"Please say yes, {number}."),)),
    )


def design(cases: Sequence[ScenarioPair], measure: Sequence[ScenarioPair] = ()) -> ExperimentDesign:
    return ExperimentDesign(
        id="experiment-1",
        hypothesis_id="h",
        name="says yes",
        stress_type="logical_chain",
        test_cases=tuple(cases),
        measure_cases=tuple(measure),
        failure_class=FailureClass.REASONING,
    )


@given(st.integers(0, 2 * POOL), st.integers(0, 30))
def test_whatever_the_size_of_the_pool_each_case_has_one_stage(size: int, measured: int) -> None:
    cases = [case(n) for n in range(size + measured)]
    plan = CasePlan.of(design(cases[:size], cases[size:]))

    assert list(itertools.chain(*plan.stages.values())) == cases
    assert {pair.case for pair in plan.benign} <= {pair.case for pair in (*plan.prove, *plan.reattack)}


def test_a_case_that_two_stages_would_use_is_refused_by_name() -> None:
    cases = [case(n) for n in range(60)]

    with pytest.raises(DefinitionError, match="case case-3 would be used in screen and again in reattack"):
        CasePlan.of(design([*cases, cases[3]]))


async def simulated(size: int) -> SimulationResult:
    """Simulate a fix that cures everything, on a design of ``size`` cases."""
    target = ScriptedTarget(lambda request, _: "yes" if RULE in str(request.messages) else "no")
    known = design([case(n) for n in range(size)])
    failure = DiscoveredFailure(
        id="failure-1",
        primary_class=FailureClass.REASONING,
        severity=Severity.S2,
        standing="validated",
        description="says no",
        experiment_id=known.id,
        stress=Counts(failures=6),
    )
    fix = Intervention(
        id="intervention-1",
        failure_id=failure.id,
        intervention_type=InterventionType.PROMPT_PATCH,
        name="rule",
        payload=PromptPatch(text=RULE),
        risk_tier=RiskTier.REVIEW,
    )
    engine = SimulationEngine(model_client=target)
    ran = await engine.run(AgentContext(), interventions=[fix], num_runs=None, failures=[failure], experiments=[known])
    return ran.unwrap()[0]


@pytest.mark.parametrize("size", [3, 46, 54])
async def test_without_fresh_cases_nothing_is_run_and_nothing_proven(size: int) -> None:
    result = await simulated(size)

    assert (result.outcome, result.basis, result.run_count) == (SimulationOutcome.INCONCLUSIVE, "heuristic", 0)
    assert f"no fresh case is left to prove a fix on: the design has {size} cases" in result.recommendation_reason
    assert not result.deploy_recommended


async def test_the_fresh_cases_there_are_prove_what_they_can() -> None:
    result = await simulated(54 + 6 + 8)

    assert (result.outcome, result.paired.n, result.paired.cured) == (SimulationOutcome.IMPROVED, 8, 8)
    assert not result.deploy_recommended  # benign cases are as few, so harm is not excluded
    assert "harm not excluded" in result.recommendation_reason


def test_measuring_has_cases_of_its_own() -> None:
    cases = [case(n) for n in range(POOL + 5)]

    assert CasePlan.of(design(cases[:POOL], cases[POOL:])).measure == tuple(cases[POOL:])
    with pytest.raises(DefinitionError, match="measure"):
        CasePlan.of(design(cases[:POOL], [replace(cases[0], base_task="other")]))
