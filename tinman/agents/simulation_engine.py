"""Proves or refutes fixes by counterfactual replay, and says which may be deployed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field

from tinman import clock
from tinman.agents.asking import Question, find_refused
from tinman.agents.base import AgentContext, AgentResult, TargetAgent
from tinman.config.modes import Mode, why_not_destructive
from tinman.experiments.bench import Bench
from tinman.experiments.costs import estimate_cost_usd
from tinman.experiments.drawing import Drawing
from tinman.experiments.proof import conclude, correct, recommend, unproven
from tinman.experiments.replay import Reproduction, least_runs, most_runs, pick, prove
from tinman.frozen import frozen
from tinman.patches.apply import why_not
from tinman.patches.kinds import patch_digest
from tinman.records import (
    DiscoveredFailure,
    ExperimentDesign,
    Intervention,
    Paired,
    SimulationOutcome,
    SimulationResult,
    read_records,
    to_data,
)
from tinman.review import Action, SimulationDetails
from tinman.runtime import Runtime, Tx
from tinman.targets.base import Capabilities, Target
from tinman.taxonomy import RiskTier

_ESTIMATE = """Estimate, without running anything, whether the fix described in the data would stop the failure
described there, and what it might cost. Your estimate will be shown as an estimate and cannot lead to a deployment."""


@frozen
class EffectEstimate:
    """What the LLM is asked for when there is no target to replay against."""

    failure_rate_improvement: Annotated[float, Field(ge=-1, le=1)]
    side_effects: tuple[str, ...]
    reasoning: str


class SimulationEngine(TargetAgent[tuple[SimulationResult, ...]]):
    """Validates interventions by counterfactual replay."""

    kind = "simulation_engine"

    async def execute(
        self,
        context: AgentContext,
        *,
        interventions: Sequence[Intervention | Mapping[str, Any]],
        num_runs: int | None = 5,
        skip_approval: bool = False,
        failures: Sequence[DiscoveredFailure] = (),
        experiments: Sequence[ExperimentDesign] = (),
        max_runs: int | None = None,
        allow_destructive: bool = False,
    ) -> AgentResult[tuple[SimulationResult, ...]]:
        """Simulate, and return a result for each intervention that may be simulated, in their order.

        ``num_runs`` is the number of pairs; ``None`` takes as many as prove a cure of 80% with power 0.8 (five never
        suffice: the result then says how many are missing). Failures and designs not given are read from the graph.
        """
        runtime = self.runtime_of(context)
        wanted = read_records(Intervention, interventions)
        fixes: dict[str, list[Intervention]] = {}
        for fix in wanted:
            fixes.setdefault(fix.failure_id, []).append(fix)
        cases = await self._cases(context, wanted, failures, experiments)
        forbidden = why_not_destructive(context.mode, opted_in=allow_destructive)
        reasons = {id: forbidden for id, case in cases.items() if forbidden and case.design.is_destructive}
        reasons |= {id: case.why_not for id, case in cases.items() if case.why_not and id not in reasons}
        refusals: set[str] = set()
        if self.target is not None:
            open_cases = {id: case for id, case in cases.items() if id not in reasons}
            questions = _questions(context, self.target, open_cases, fixes, num_runs)
            refusals = set(
                await find_refused(self.approval_handler, context.mode, questions, skip_approval=skip_approval)
            )
        results: list[SimulationResult] = []
        for failure_id, candidates in fixes.items():
            await self.checkpoint()
            case = cases.get(failure_id)
            if self.target is None or case is None:
                results += [await self._estimate(context, fix) for fix in candidates]
                continue
            reason = reasons.get(failure_id, "")
            left = None if max_runs is None else max_runs - sum(r.run_count for r in results)
            if not reason and left is not None and left < least_runs(len(candidates)):
                reason = "no runs are left in the budget for fixes"
            if reason:
                results += [unproven(fix, reason) for fix in candidates]
            elif failure_id not in refusals:
                bench = self.bench(context, self.target)
                results += await _simulate(bench, context.mode, case, candidates, num_runs)
        order = {fix.id: index for index, fix in enumerate(wanted)}
        results = sorted(correct(results), key=lambda r: order[r.intervention_id])
        await _record(runtime, results, is_linked=context.runtime is not None)
        for result in results:
            self.bus.publish(
                "simulation.finished", intervention_id=result.intervention_id, outcome=result.outcome.value
            )
        skipped = [fix.id for fix in wanted if fix.failure_id in refusals]
        return self._result(
            output=tuple(results),
            counts={
                "simulations_run": len(results),
                "skipped_count": len(skipped),
                "improved": sum(r.outcome is SimulationOutcome.IMPROVED for r in results),
                "deploy_recommended": sum(r.deploy_recommended for r in results),
            },
            data=lambda: {"skipped_interventions": skipped, "results": [to_data(r) for r in results]},
        )

    async def _cases(
        self,
        context: AgentContext,
        interventions: Sequence[Intervention],
        failures: Sequence[DiscoveredFailure],
        designs: Sequence[ExperimentDesign],
    ) -> dict[str, Reproduction]:
        """Return what each failure is replayed with; failures whose design is not known are left out."""
        by_id = {f.id: f for f in failures}
        known = {d.id: d for d in designs}
        if self.graph is not None:
            missing = {i.failure_id for i in interventions} - by_id.keys()
            found = await self.graph.records(sorted(missing))
            by_id |= {id: record for id, record in found.items() if isinstance(record, DiscoveredFailure)}
            missing = {f.experiment_id for f in by_id.values()} - known.keys()
            found = await self.graph.records(sorted(missing))
            known |= {id: record for id, record in found.items() if isinstance(record, ExperimentDesign)}
        can = self.target.capabilities if self.target is not None else Capabilities()
        drawing = Drawing(context.seed, can, context.surface)
        return {f.id: Reproduction.of(f, known, drawing) for f in by_id.values() if f.experiment_id in known}

    async def _estimate(self, context: AgentContext, fix: Intervention) -> SimulationResult:
        """Return what can be said without a replay: an estimate by the LLM, or the playbook's guess, marked as such."""
        data = {"fix": f"{fix.name}: {fix.description}", "why": fix.rationale}
        seed = clock.derive_seed(context.seed, f"estimate/{fix.id}")
        estimate = await self.ask(_ESTIMATE, EffectEstimate, data=data, seed=seed)
        why = "no target to replay against" if self.target is None else "the failing cases are not in memory"
        if estimate is None:
            return replace(unproven(fix, why), avg_failure_rate_improvement=fix.expected_gains.get("failure_rate", 0.0))
        return replace(
            unproven(fix, f"{why}; an LLM's estimate proves nothing"),
            basis="estimate",
            avg_failure_rate_improvement=estimate.failure_rate_improvement,
            side_effects=estimate.side_effects,
        )


async def _simulate(
    bench: Bench, mode: Mode, case: Reproduction, candidates: Sequence[Intervention], pairs: int | None
) -> list[SimulationResult]:
    """Return a result for each candidate: the one that cures most in the pick is proven, the others go no further."""
    misfits = {fix.id: why_not(bench.target, fix.payload) for fix in candidates}
    fitting = [fix for fix in candidates if not misfits[fix.id]]
    results = [unproven(fix, misfits[fix.id]) for fix in candidates if misfits[fix.id]]
    if not fitting:
        return results
    winner, picked = await pick(bench, case, fitting)
    for loser in fitting:
        if loser is not winner:
            lost = unproven(loser, f"lost the pick to {winner.label or winner.name}: not confirmed")
            results.append(replace(lost, basis="replay", pick=picked[loser.id], run_count=len(case.plan.pick)))
    baseline = next(iter(picked.values()), Paired())
    replay = await prove(bench, mode, case, winner, baseline, pairs)
    proven = conclude(replay, winner, mode, fingerprint=bench.target.fingerprint)
    return [*results, replace(proven, pick=picked.get(winner.id))]


def _questions(
    context: AgentContext,
    target: Target,
    cases: Mapping[str, Reproduction],
    fixes: Mapping[str, Sequence[Intervention]],
    pairs: int | None,
) -> list[Question]:
    """Return one question for each failure: all its candidates, and the most runs that trying them may take."""
    questions = []
    for failure_id, candidates in fixes.items():
        fitting = [fix for fix in candidates if not why_not(target, fix.payload)]
        if not fitting or failure_id not in cases:
            continue
        runs = most_runs(context.mode, cases[failure_id], len(fitting), pairs)
        details = SimulationDetails(
            patches=tuple(patch_digest(fix.payload) for fix in fitting),
            runs=runs,
            estimated_cost_usd=estimate_cost_usd(target, cases[failure_id].design, runs),
        )
        names = ", ".join(fix.name for fix in fitting)
        action = Action(what=names, mode=context.mode, tier=RiskTier.REVIEW, details=details)
        questions.append(Question(id=failure_id, action=action))
    return questions


async def _record(runtime: Runtime, results: Sequence[SimulationResult], *, is_linked: bool) -> None:
    async def work(tx: Tx) -> tuple[SimulationResult, ...]:
        for result in results:
            tx.record(result)
            if is_linked:
                tx.link(result.intervention_id, "simulated_by", result.id)
        return tuple(results)

    await runtime.step("simulations", work)


__all__ = ["SimulationEngine", "SimulationOutcome", "SimulationResult", "recommend"]
