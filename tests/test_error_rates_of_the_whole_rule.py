"""Whatever rate a target fails at by itself, however its failures hang together, and while it changes: screen, probes,
confirm and e-BH together accuse it falsely in at most one cycle of twenty."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from tinman.config.modes import Mode
from tinman.events import EventBus
from tinman.experiments.bench import Allowance, Bench
from tinman.experiments.discovery import discover
from tinman.experiments.drawing import Drawing
from tinman.experiments.runs import RunSpec
from tinman.experiments.trials import Trial, confirmed_in
from tinman.records import ExperimentDesign, Run
from tinman.runtime import InlineRuntime
from tinman.scenarios.checks import ContainsAny
from tinman.scenarios.scenario import Scenario, ScenarioPair, Turn
from tinman.surface import EMPTY_SURFACE
from tinman.targets.base import Capabilities
from tinman.taxonomy import FailureClass
from tinman.testing import ScriptedTarget

pytestmark = pytest.mark.slow

CYCLES, HYPOTHESES, PROBES, CASES = 80, 6, 4, 24
RATES = (0.0, 0.05, 0.2, 0.5, 0.8)
Fails = Callable[[RunSpec, int, random.Random], bool]
"""Whether a run fails: by its spec, how many ran before it, and the dice of its cycle."""


def scenario(name: str) -> Scenario:
    return Scenario(scenario_id=name, turns=(Turn(user=name, checks=(ContainsAny(values=("fine",)),)),))


def designs(*, has_control: bool = True) -> list[ExperimentDesign]:
    return [
        ExperimentDesign(
            id=f"experiment-{number}",
            hypothesis_id=f"hypothesis-{number}",
            name="a stress that does no harm",
            stress_type="logical_chain",
            failure_class=FailureClass.REASONING,
            test_cases=tuple(
                ScenarioPair(
                    case=f"{number}/{probe}/{case}",
                    base_task=f"task {case % 8}",
                    probe=f"probe {probe}",
                    stressed=scenario(f"stress {number} {probe} {case}"),
                    control=scenario(f"control {number} {probe} {case}") if has_control else None,
                )
                for case in range(CASES)
                for probe in range(PROBES)
            ),
        )
        for number in range(HYPOTHESES)
    ]


@dataclass(frozen=True, kw_only=True)
class Simulated(Bench):
    """A bench whose runs fail as ``fails`` says; no target is asked."""

    fails: Fails
    dice: random.Random
    done: list[RunSpec]

    async def run(self, specs: Sequence[RunSpec]) -> tuple[Run, ...]:
        found = []
        for spec in specs:
            verdict = "failure" if self.fails(spec, len(self.done), self.dice) else "ok"
            self.done.append(spec)
            found.append(
                Run(
                    id=spec.key,
                    experiment_id=spec.experiment_id,
                    run_number=spec.run_number,
                    stage=spec.stage,
                    arm=spec.arm,
                    case=spec.case,
                    base_task=spec.base_task,
                    probe=spec.probe,
                    scenario_id=spec.scenario.scenario_id,
                    scenario_digest="",
                    verdict=verdict,
                )
            )
        return tuple(found)


async def confirmed(fails: Fails, tested: Sequence[ExperimentDesign], seed: int) -> frozenset[str]:
    bench = Simulated(
        target=ScriptedTarget("fine"),
        runtime=InlineRuntime(cycle_id=f"cycle-{seed}"),
        bus=EventBus(),
        seed=seed,
        concurrency=1,
        checkpoint=_go_on,
        fails=fails,
        dice=random.Random(seed),
        done=[],
    )
    trials = {design.id: Trial.begin(design, Mode.LAB) for design in tested}
    drawing = Drawing(seed, Capabilities(), EMPTY_SURFACE)
    found = await discover(bench, trials, Mode.LAB, 5, Allowance(400), drawing)
    return confirmed_in(found, Mode.LAB)


async def _go_on() -> None:
    return


def alike(rate: float) -> Fails:
    """Each run fails at the same rate, in both arms."""
    return lambda spec, before, dice: dice.random() < rate


def correlated(rate: float) -> Fails:
    """Some base tasks and some wordings are hard, in both arms: their runs fail nearly always, the others seldom."""

    def fails(spec: RunSpec, before: int, dice: random.Random) -> bool:
        hard = random.Random(f"{spec.cycle_id}/{spec.base_task}").random() < rate
        wording = random.Random(f"{spec.cycle_id}/{spec.case}").random() < rate
        return dice.random() < (0.9 if hard and wording else 0.45 if hard or wording else 0.02)

    return fails


def drifting(rate: float) -> Fails:
    """It gets worse from run to run, up to 40 points, in both arms."""
    return lambda spec, before, dice: dice.random() < min(1.0, rate + 0.4 * min(1.0, before / 300))


def falling_over(rate: float) -> Fails:
    """Every few dozen runs it is down for a while."""
    return lambda spec, before, dice: dice.random() < (0.9 if before % 40 < 6 else rate)


@pytest.mark.parametrize("kind", [alike, correlated, drifting, falling_over], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("rate", RATES)
async def test_at_most_one_cycle_in_twenty_accuses_a_target_whose_controls_fail_as_often(
    kind: Callable[[float], Fails], rate: float
) -> None:
    tested = designs()
    accusing = sum([bool(await confirmed(kind(rate), tested, seed)) for seed in range(CYCLES)])

    assert accusing <= 0.05 * CYCLES


async def test_nor_does_one_without_controls_at_the_rate_that_is_allowed() -> None:
    tested = designs(has_control=False)
    accusing = sum([bool(await confirmed(alike(0.05), tested, seed)) for seed in range(CYCLES)])

    assert accusing <= 0.05 * CYCLES


@pytest.mark.parametrize(("control", "stress", "power"), [(0.0, 0.6, 0.7), (0.05, 0.6, 0.5), (0.2, 0.8, 0.35)])
async def test_and_one_probe_of_one_hypothesis_that_really_fails_is_found(
    control: float, stress: float, power: float
) -> None:
    """Two cases of the probe in the screen miss 60% one time in six. The more a target fails by itself, the more probes
    are promoted by chance, and the higher is the bar."""

    def fails(spec: RunSpec, before: int, dice: random.Random) -> bool:
        is_planted = spec.arm == "stress" and spec.experiment_id == "experiment-3" and spec.probe == "probe 1"
        return dice.random() < (stress if is_planted else control)

    tested = designs()
    found = [await confirmed(fails, tested, seed) for seed in range(60)]

    assert sum("experiment-3/probe 1" in keys for keys in found) >= power * 60
