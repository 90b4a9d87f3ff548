"""Runs experiments against the target in two stages, and decides with stated error rates what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tinman import stats
from tinman.agents.asking import Question, find_refused
from tinman.agents.base import AgentContext, AgentResult, TargetAgent
from tinman.approvals.risk import harm_tier
from tinman.config.modes import run_limit, why_not_destructive
from tinman.errors import ConfigError
from tinman.experiments import discovery
from tinman.experiments.bench import Allowance
from tinman.experiments.costs import estimate_cost_usd
from tinman.experiments.trials import Trial, Trials, conclude
from tinman.records import ExperimentDesign, ExperimentResult, read_records, to_data
from tinman.review import Action, ExperimentDetails
from tinman.runtime import Runtime, Tx
from tinman.targets.base import Target
from tinman.taxonomy import RiskTier, Severity


class ExperimentExecutor(TargetAgent[tuple[ExperimentResult, ...]]):
    """Runs test cases against the target and collects what it really did."""

    kind = "experiment_executor"

    async def execute(
        self,
        context: AgentContext,
        *,
        experiments: Sequence[ExperimentDesign | Mapping[str, Any]],
        skip_approval: bool = False,
        max_experiments: int | None = None,
        max_runs: int | None = None,
        measure: int = 0,
        allow_destructive: bool = False,
    ) -> AgentResult[tuple[ExperimentResult, ...]]:
        """Screen every experiment, confirm at most ``max_experiments``; return a result for each that may run.

        ``max_runs`` bounds all runs together; ``measure`` adds that many runs, one a case, for each validated one.
        A destructive design runs in the lab alone, with ``allow_destructive``, and is asked about like any action that
        could do harm of its severity. Raises ``ConfigError`` without a target, ``BudgetExhausted`` at a ceiling: what
        ran until then is stored.
        """
        if self.target is None:
            raise ConfigError("executor: there is no target to run against; name one with model_client= or --target")
        runtime = self.runtime_of(context)
        designs = read_records(ExperimentDesign, experiments)
        forbidden = why_not_destructive(context.mode, opted_in=allow_destructive)
        skipped = await self._skipped(context, self.target, designs, skip_approval, forbidden=forbidden)
        if context.runtime is None:
            await _remember(runtime, designs)
        trials: Trials = {
            design.id: Trial.begin(design, context.mode, forbidden=forbidden if design.is_destructive else "")
            for design in sorted(designs, key=lambda design: design.id)
            if design.id not in skipped
        }
        bench, left = self.bench(context, self.target), Allowance(max_runs)
        trials = await discovery.screen(bench, trials, left)
        trials = await discovery.confirm(bench, trials, context.mode, max_experiments, left)
        if measure:
            trials = await discovery.measure(bench, trials, measure, left)
        found = await _conclude(runtime, trials)
        results = tuple(found[design.id] for design in designs if design.id in found)
        return self._result(
            output=results,
            counts={
                "experiment_count": len(results),
                "skipped_count": len(skipped),
                "total_runs": sum(r.total_runs for r in results),
                "failures_found": sum(r.failures_triggered for r in results),
            },
            data=lambda: {"skipped_experiments": skipped, "results": [to_data(r) for r in results]},
        )

    async def _skipped(
        self,
        context: AgentContext,
        target: Target,
        designs: Sequence[ExperimentDesign],
        skip_approval: bool,
        *,
        forbidden: str,
    ) -> list[str]:
        """Return the ids of the designs that a reviewer refused; what is forbidden anyway is not asked about."""
        skipped: list[str] = []
        for is_harmful in (False, True):
            questions = [
                _question(context, target, design)
                for design in designs
                if design.is_destructive is is_harmful and not (is_harmful and forbidden)
            ]
            skipped += await find_refused(
                self.approval_handler, context.mode, questions, skip_approval=skip_approval, is_harmful=is_harmful
            )
        return skipped


async def _remember(runtime: Runtime, designs: Sequence[ExperimentDesign]) -> None:
    """Store designs that came from nowhere else, for runs to be linked to."""
    for design in designs:

        async def work(tx: Tx, design: ExperimentDesign = design) -> ExperimentDesign:
            tx.record(design)
            return design

        await runtime.step(f"remember/{design.id}", work)


async def _conclude(runtime: Runtime, trials: Trials) -> dict[str, ExperimentResult]:
    """Store and return the results by the id of their experiment."""

    async def work(tx: Tx) -> tuple[ExperimentResult, ...]:
        results = tuple(conclude(trial) for trial in trials.values())
        for result in results:
            tx.record(result)
            tx.link(result.experiment_id, "executed_as", result.id)
        return results

    return {result.experiment_id: result for result in await runtime.step("results", work)}


def _question(context: AgentContext, target: Target, experiment: ExperimentDesign) -> Question:
    """Ask about the most runs there may be: the screen, and the confirm stage with a control beside each."""
    limit = run_limit(context.mode, experiment.estimated_runs)
    runs = min(stats.SCREEN_OKS, limit) + 2 * min(stats.CONFIRM_CAP, limit)
    harm = harm_tier(context.mode, Severity.S4) if experiment.is_destructive else RiskTier.SAFE
    details = ExperimentDetails(
        hypothesis=experiment.hypothesis_id,
        estimated_runs=runs,
        estimated_cost_usd=estimate_cost_usd(target, experiment, runs),
        stress_type=experiment.stress_type,
    )
    action = Action(what=experiment.name, mode=context.mode, tier=max(harm, RiskTier.REVIEW), details=details)
    return Question(id=experiment.id, action=action)


__all__ = ["ExperimentExecutor", "ExperimentResult"]
