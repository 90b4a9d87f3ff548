"""Runs experiments against the target in two stages, and decides with stated error rates what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tinman.agents.asking import Question, find_refused
from tinman.agents.base import AgentContext, AgentResult, TargetAgent
from tinman.approvals.risk import harm_tier
from tinman.config.modes import Mode, run_limit, why_not_destructive
from tinman.errors import ConfigError
from tinman.experiments import discovery
from tinman.experiments.bench import Allowance, Bench
from tinman.experiments.cases import CasePlan
from tinman.experiments.conclusions import conclude_all
from tinman.experiments.costs import estimate_cost_usd
from tinman.experiments.drawing import Drawing
from tinman.experiments.known import Known, known_failures, recheck
from tinman.experiments.observed import observe
from tinman.experiments.trials import Trial, Trials
from tinman.records import DiscoveredFailure, ExperimentDesign, ExperimentResult, read_records, to_data
from tinman.review import Action, ExperimentDetails
from tinman.runtime import Runtime, Tx
from tinman.targets.base import Target
from tinman.taxonomy import RiskTier, Severity

_OBSERVING = 2  # what is seen while what was seen is tested may be new, too


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
        needs_fix: bool = True,
    ) -> AgentResult[tuple[ExperimentResult, ...]]:
        """Screen every experiment, confirm at most ``max_experiments``; return a result for each that may run.

        ``max_runs`` bounds all runs together; ``measure`` adds that many runs, one a case, for each validated one.
        A destructive design runs in the lab alone, with ``allow_destructive``, and is asked about like any action that
        could do harm of its severity. Raises ``ConfigError`` without a target, ``BudgetExhausted`` at a ceiling: what
        ran until then is stored. What an earlier cycle found on this very target, and sought fixes for where
        ``needs_fix``, is looked at again with a few runs and not proven anew.
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
            for design in designs
            if design.id not in skipped
        }
        bench, left = self.bench(context, self.target), Allowance(max_runs)
        drawing = Drawing(context.seed, self.target.capabilities, context.surface)
        known = await self._known(context, runtime, self.target, designs, needs_fix)
        trials = await recheck(bench, trials, known, left, drawing)
        begun = await discovery.discover(bench, trials, context.mode, max_experiments, left, drawing)
        # In production nothing runs that nobody was asked about.
        for _ in range(0 if context.mode is Mode.PRODUCTION else _OBSERVING):
            observed = await _observed(runtime, begun, bench, drawing)
            if not observed:
                break
            begun = {**begun, **{d.id: Trial.begin(d, context.mode) for d in observed}}
            designs = [*designs, *observed]
            begun = await discovery.discover(bench, begun, context.mode, max_experiments, left, drawing)
        # Beyond what was asked for nothing is missing that was not tried.
        trials = {key: t for key, t in begun.items() if t.design.wave == 1 or t.ruling is not None or t.screen}
        if measure:
            trials = await discovery.measure(bench, trials, context.mode, measure, left, drawing)
        found = await _conclude(runtime, trials, context.mode)
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

    async def _known(
        self,
        context: AgentContext,
        runtime: Runtime,
        target: Target,
        designs: Sequence[ExperimentDesign],
        needs_fix: bool,
    ) -> Known:
        """Return the known failures that ``designs`` would find again; none without a memory, or in production."""
        graph = self.graph
        if graph is None or context.mode is Mode.PRODUCTION:
            return {}

        async def work(_: Tx) -> dict[str, str]:
            return await known_failures(
                graph, designs, cycle_id=runtime.cycle_id, fingerprint=target.fingerprint, needs_fix=needs_fix
            )

        by_design = await runtime.step("known", work)
        records = await graph.records(sorted(set(by_design.values())))
        found: dict[str, tuple[DiscoveredFailure, str]] = {}
        for design_id, failure_id in by_design.items():
            failure = records.get(failure_id)
            if isinstance(failure, DiscoveredFailure):
                probe = next((p.probe for p in failure.probes if p.standing == "validated"), "")
                found[design_id] = failure, probe
        return found

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


async def _observed(runtime: Runtime, trials: Trials, bench: Bench, drawing: Drawing) -> list[ExperimentDesign]:
    """Store and return the designs about what broke in ``trials`` although they looked for something else."""
    found = observe(trials, bench.invariants, drawing, runtime.cycle_id)

    async def work(tx: Tx) -> tuple[ExperimentDesign, ...]:
        for hypothesis, design in found:
            tx.record(hypothesis)
            tx.record(design)
            tx.link(hypothesis.id, "tested_in", design.id)
        return tuple(design for _, design in found)

    return list(await runtime.step(f"observed/{len(trials)}", work)) if found else []


async def _remember(runtime: Runtime, designs: Sequence[ExperimentDesign]) -> None:
    """Store designs that came from nowhere else, for runs to be linked to."""
    for design in designs:

        async def work(tx: Tx, design: ExperimentDesign = design) -> ExperimentDesign:
            tx.record(design)
            return design

        await runtime.step(f"remember/{design.id}", work)


async def _conclude(runtime: Runtime, trials: Trials, mode: Mode) -> dict[str, ExperimentResult]:
    """Store and return the results by the id of their experiment."""

    async def work(tx: Tx) -> tuple[ExperimentResult, ...]:
        results = conclude_all(trials, mode)
        for result in results:
            tx.record(result)
            tx.link(result.experiment_id, "executed_as", result.id)
        return results

    return {result.experiment_id: result for result in await runtime.step("results", work)}


def _question(context: AgentContext, target: Target, experiment: ExperimentDesign) -> Question:
    """Ask about the most runs there may be: those of both stages, a control beside each."""
    limit = run_limit(context.mode, experiment.estimated_runs)
    screened = len(CasePlan.of(experiment).screen)
    runs = 2 * min(screened, limit) + 2 * limit
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
