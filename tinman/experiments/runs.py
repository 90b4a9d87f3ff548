"""One run as a value: what is run, with which fix, on which dice. It can be sent to another process."""

from __future__ import annotations

from collections.abc import Sequence

from tinman import clock
from tinman.frozen import frozen
from tinman.patches.apply import apply
from tinman.patches.kinds import Patch, patch_digest
from tinman.records import Arm, Counts, Run, Stage
from tinman.scenarios.invariants import Invariant
from tinman.scenarios.run import Referee, run_scenario
from tinman.scenarios.scenario import Scenario
from tinman.targets.base import Target

_FIRST_NUMBER: dict[Stage, int] = {
    "recheck": 50_000,
    "screen": 0,
    "confirm": 1_000,
    "measure": 9_000,
    "pick": 10_000,
    "prove": 20_000,
    "benign": 30_000,
    "reattack": 40_000,
}


@frozen
class RunSpec:
    """Everything that decides one run but the target it is made on.

    ``number`` counts within stage and arm; ``about`` tells apart runs of the same cases for different failures or
    fixes. ``patch`` is laid around the target. ``once`` forbids our own retries, so that a fix which asks again is
    measured against a target that does not. ``invariants`` have to hold of every reply. ``seed`` is the same for both
    arms of a pair.
    """

    cycle_id: str
    experiment_id: str
    case: str
    base_task: str
    probe: str = ""
    scenario: Scenario
    stage: Stage
    arm: Arm
    number: int
    about: str = ""
    patch: Patch | None = None
    once: bool = False
    invariants: tuple[Invariant, ...] = ()
    seed: int
    timeout_seconds: float

    @property
    def key(self) -> str:
        """Names the run in the journal of its cycle."""
        patch = patch_digest(self.patch) if self.patch is not None else "as-is"
        parts = ("run", self.experiment_id, self.about, self.stage, patch, self.arm, str(self.number))
        return "/".join(part for part in parts if part)

    @property
    def run_number(self) -> int:
        """Unique among the runs of one experiment that differ in stage, arm or number."""
        return _FIRST_NUMBER[self.stage] + self.number * 2 + (self.arm == "control")


async def perform(spec: RunSpec, target: Target, referee: Referee | None = None) -> Run:
    """Make one run on ``target`` and return it; nothing is stored. ``referee`` answers judged checks.

    An error or a timeout of the target is an indeterminate run. Raises ``NotApplicable`` for a patch that the target
    cannot carry, ``BudgetExhausted`` at a ceiling. Cancelled, it ends the conversation.
    """
    if spec.patch is not None:
        target = apply(target, spec.patch)
    outcome = await run_scenario(
        target,
        spec.scenario,
        seed=spec.seed,
        timeout_seconds=spec.timeout_seconds,
        once=spec.once,
        invariants=spec.invariants,
        referee=referee,
    )
    return Run(
        id=clock.derive_id("run", spec.cycle_id, spec.key),
        experiment_id=spec.experiment_id,
        run_number=spec.run_number,
        stage=spec.stage,
        arm=spec.arm,
        case=spec.case,
        base_task=spec.base_task,
        probe=spec.probe,
        scenario_id=spec.scenario.scenario_id,
        scenario_digest=spec.scenario.digest,
        verdict=outcome.verdict,
        reason=outcome.reason,
        turns=outcome.turns,
        usage=outcome.usage,
        seed=spec.seed,
        acted=outcome.acted,
        patches=tuple(layer.digest for layer in target.layers),
        started_at=outcome.started_at,
        duration_ms=outcome.duration_ms,
    )


def count(runs: Sequence[Run]) -> Counts:
    """Return how many of ``runs`` failed, were ok, or gave nothing to judge."""
    verdicts = [run.verdict for run in runs]
    return Counts(
        failures=verdicts.count("failure"), oks=verdicts.count("ok"), indeterminate=verdicts.count("indeterminate")
    )
