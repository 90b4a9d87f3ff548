"""The bench: where runs are made, stored and announced; the only place from which a target is driven in bulk."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from tinman import clock
from tinman.errors import KeyRefused, ProviderError, ProviderUnavailable, RateLimited, TargetError, WorkerDied
from tinman.events import EventBus
from tinman.experiments.runs import RunSpec, perform
from tinman.patches.kinds import Patch
from tinman.records import Arm, ExperimentDesign, Run, Stage
from tinman.runtime import Runtime, Tx, Work
from tinman.scenarios.invariants import Invariant
from tinman.scenarios.run import Referee
from tinman.scenarios.scenario import Scenario, ScenarioPair
from tinman.targets.base import Target

MOST_ALIKE = 5
_DIGITS = re.compile(r"\d+")
_KINDS: dict[str, type[ProviderError] | type[TargetError]] = {
    each.__name__: each for each in (KeyRefused, ProviderUnavailable, RateLimited, WorkerDied)
}


class Allowance:
    """How many runs are left of a ceiling on runs; ``None`` is no ceiling."""

    def __init__(self, runs: int | None) -> None:
        self._left = runs

    def take_most(self, runs: int) -> int:
        """Take up to ``runs`` and return how many."""
        taken = runs if self._left is None else min(runs, self._left)
        self._left = None if self._left is None else self._left - taken
        return taken

    def take(self, runs: int) -> bool:
        """Take ``runs`` if so many are left, else none."""
        if self._left is None:
            return True
        if runs > self._left:
            return False
        self._left -= runs
        return True


class FirstRuns:
    """Watches how the first runs end: a target that cannot be asked at all is not asked a hundred times."""

    def __init__(self) -> None:
        self._reason: str | None = None
        self._count = 0
        self._is_past = False

    def check(self, target: Target, run: Run) -> None:
        """Take in a run. Raises when the first ``MOST_ALIKE`` runs all broke off at the same error of the target.

        A timeout is none: under stress it may be what a probe looks for. The error raised is of the runs' own kind.
        """
        name, colon, told = run.reason.partition(": ")
        is_error = (
            run.verdict == "indeterminate" and bool(colon) and name.endswith(("Error", *_KINDS)) and not run.turns
        )
        alike = _DIGITS.sub("#", run.reason)
        if self._is_past or not is_error or self._reason not in (None, alike):
            self._is_past = True
            return
        self._reason, self._count = alike, self._count + 1
        if self._count == MOST_ALIKE:
            raise _KINDS.get(name, TargetError)(f"the first {MOST_ALIKE} runs on {target.name} broke off alike: {told}")


def _nothing(scenario: Scenario) -> tuple[Invariant, ...]:
    return ()


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A target, the dice, and the runtime that stores what is run. ``checkpoint`` is awaited before each run.

    ``invariants`` returns what has to hold of every reply in a scenario; ``referee`` answers judged checks.
    """

    target: Target
    runtime: Runtime
    bus: EventBus
    seed: int
    concurrency: int
    checkpoint: Callable[[], Awaitable[None]]
    first: FirstRuns = field(default_factory=FirstRuns)
    invariants: Callable[[Scenario], tuple[Invariant, ...]] = _nothing
    referee: Referee | None = None

    def spec(
        self,
        design: ExperimentDesign,
        pair: ScenarioPair,
        *,
        stage: Stage,
        number: int,
        arm: Arm = "stress",
        about: str = "",
        patch: Patch | None = None,
        once: bool = False,
    ) -> RunSpec:
        """Return the run of one arm of ``pair``. The seed depends on experiment, stage and case, never on arm or patch:
        paired arms see the same dice."""
        scenario = pair.stressed if arm == "stress" or pair.control is None else pair.control
        return RunSpec(
            cycle_id=self.runtime.cycle_id,
            experiment_id=design.id,
            case=pair.case,
            base_task=pair.base_task,
            probe=pair.probe,
            scenario=scenario,
            stage=stage,
            arm=arm,
            number=number,
            about=about,
            patch=patch,
            once=once,
            invariants=self.invariants(scenario),
            seed=clock.derive_seed(self.seed, f"{design.id}/{stage}/{pair.case}"),
            timeout_seconds=design.timeout_seconds,
        )

    async def run(self, specs: Sequence[RunSpec]) -> tuple[Run, ...]:
        """Make the runs, a bounded number at a time, and return them in the order of ``specs``.

        Each is stored as it ends; one that is stored already is read back. Raises ``Stopped`` and ``BudgetExhausted``
        once what is in flight has been stored.
        """
        return tuple(await self.runtime.map([(spec.key, self._work(spec)) for spec in specs], self.concurrency))

    def _work(self, spec: RunSpec) -> Work[Run]:
        async def work(tx: Tx) -> Run:
            await self.checkpoint()
            run = await perform(spec, self.target, self.referee)
            self.first.check(self.target, run)
            tokens = run.usage.input_tokens + run.usage.output_tokens
            tx.record(run)
            tx.link(run.experiment_id, "executed_as", run.id)
            tx.announce(
                "run.finished",
                stage=run.stage,
                arm=run.arm,
                verdict=run.verdict,
                experiment_id=run.experiment_id,
                usage={"calls": run.usage.calls, "tokens": tokens, "nano_usd": run.usage.nano_usd},
            )
            return run

        return work
