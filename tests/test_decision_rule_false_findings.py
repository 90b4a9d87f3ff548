"""A target that fails by chance yields a finding in at most one cycle of twenty; a sound one never does."""

from __future__ import annotations

import pytest

from tinman.agents.base import AgentContext
from tinman.agents.experiment_architect import ExperimentArchitect
from tinman.agents.experiment_executor import ExperimentExecutor
from tinman.agents.failure_discovery import FailureDiscoveryAgent
from tinman.agents.hypothesis_engine import HypothesisEngine
from tinman.clock import chance
from tinman.messages import Request
from tinman.playbook.probes import FAMILIES
from tinman.records import DiscoveredFailure, ExperimentDesign, ExperimentResult
from tinman.scenarios.checks import ContainsAny
from tinman.scenarios.scenario import Scenario, ScenarioPair, Turn
from tinman.targets.base import Target
from tinman.targets.load import load_target
from tinman.targets.profile import TargetProfile
from tinman.targets.world import World
from tinman.taxonomy import FailureClass
from tinman.testing import ScriptedTarget

pytestmark = pytest.mark.slow

CYCLES = 200
HYPOTHESES = 5
CASES = 46
RATE = 0.05
SURELY = ("validated", "observed")


def noisy(request: Request, world: World) -> str:
    """Fail one time in twenty, whatever is asked."""
    return "broken" if chance(request.seed, "noise") < RATE else "fine"


def flawed(request: Request, world: World) -> str:
    """Fail like ``noisy``, and six times in ten under stress."""
    is_stressed = request.messages[-1].text.startswith("stress")
    return "broken" if chance(request.seed, "flaw") < (0.6 if is_stressed else RATE) else "fine"


def scenario(text: str) -> Scenario:
    return Scenario(scenario_id=text, turns=(Turn(user=text, checks=(ContainsAny(values=("fine",)),)),))


def design(number: int, *, has_control: bool = True) -> ExperimentDesign:
    return ExperimentDesign(
        id=f"experiment-{number}",
        hypothesis_id=f"hypothesis-{number}",
        name="a stress that does no harm",
        stress_type="logical_chain",
        failure_class=FailureClass.REASONING,
        test_cases=tuple(
            ScenarioPair(
                case=f"case {i}",
                base_task=f"task {i % 8}",
                stressed=scenario(f"stress {i}"),
                control=scenario(f"control {i}") if has_control else None,
            )
            for i in range(CASES)
        ),
    )


async def standings(target: Target, designs: list[ExperimentDesign], seed: int) -> list[str]:
    result = await ExperimentExecutor(model_client=target).run(AgentContext(seed=seed), experiments=designs)
    assert result.success, result.error
    output: tuple[ExperimentResult, ...] = result.output
    return [each.standing for each in output]


@pytest.mark.parametrize("has_control", [True, False], ids=["with control", "without control"])
async def test_chance_alone_makes_a_finding_in_at_most_one_cycle_of_twenty(has_control: bool) -> None:
    cycles = CYCLES if has_control else CYCLES // 4
    designs = [design(i, has_control=has_control) for i in range(HYPOTHESES)]
    seen = [await standings(ScriptedTarget(noisy), designs, seed) for seed in range(cycles)]

    assert sum("validated" in cycle for cycle in seen) <= cycles * 0.05
    assert not {standing for cycle in seen for standing in cycle} & {"observed", "unmeasurable", "not_run"}


async def test_the_same_rule_finds_what_is_there() -> None:
    """The power of the rule, lest it keep its promise by never finding anything."""
    designs = [design(i) for i in range(HYPOTHESES)]
    seen = [await standings(ScriptedTarget(flawed), designs, seed) for seed in range(8)]

    assert sum(cycle.count("validated") for cycle in seen) >= 0.9 * 8 * HYPOTHESES


async def discovered(target: Target, seed: int, hypotheses: int) -> tuple[DiscoveredFailure, ...]:
    """Everything a cycle does up to its findings, without a store."""
    context = AgentContext(seed=seed)
    guessed = await HypothesisEngine().run(context, max_hypotheses=hypotheses)
    designed = await ExperimentArchitect(capabilities=target.capabilities).run(context, hypotheses=guessed.output)
    ran = await ExperimentExecutor(model_client=target).run(context, experiments=designed.output, max_experiments=5)
    found = await FailureDiscoveryAgent().run(context, results=ran.output)
    assert found.success, found.error
    output: tuple[DiscoveredFailure, ...] = found.output
    return output


@pytest.mark.parametrize("seed", range(10))
async def test_the_sound_sandbox_yields_no_finding_at_all(seed: int) -> None:
    assert await discovered(load_target(TargetProfile(spec="sandbox:sound"), {}), seed, len(FAMILIES)) == ()


@pytest.mark.parametrize("seed", range(4))
async def test_what_the_noisy_sandbox_yields_is_never_called_certain(seed: int) -> None:
    failures = await discovered(load_target(TargetProfile(spec="sandbox:noisy"), {}), seed, 10)

    assert [failure.standing for failure in failures if failure.standing in SURELY] == []


async def test_the_flawed_sandbox_yields_findings_by_the_same_road() -> None:
    failures = await discovered(load_target(TargetProfile(spec="sandbox"), {}), 0, 10)

    assert len([failure for failure in failures if failure.standing == "validated"]) == 5
