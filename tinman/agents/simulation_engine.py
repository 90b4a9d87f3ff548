"""Proves or refutes a fix: the same cases with and without the patch, fresh, paired, on the same dice.

Three disjoint sets of cases: **pick** among candidates, **prove** the winner with n fixed beforehand, **benign** cases
that must not be lost. Recorded runs are never the baseline.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import Field

from tinman import clock, stats
from tinman.agents.asking import Question, refused
from tinman.agents.base import AgentContext, AgentResult, BaseAgent
from tinman.agents.costing import estimated_cost_usd
from tinman.agents.running import counted, running
from tinman.approvals.handler import ApprovalHandler
from tinman.config.modes import Mode, why_not_destructive
from tinman.events import EventBus
from tinman.frozen import frozen
from tinman.memory.graph import MemoryGraph
from tinman.models.base import Model
from tinman.models.metered import Metered
from tinman.patches.apply import apply, why_not
from tinman.patches.kinds import Patch, patch_digest
from tinman.reasoner import Reasoner
from tinman.records import (
    Arm,
    Counts,
    DiscoveredFailure,
    ExperimentDesign,
    Intervention,
    Paired,
    Run,
    SimulationOutcome,
    SimulationResult,
    Stage,
    taken,
    to_data,
)
from tinman.review import Action
from tinman.runtime import Runtime, Tx
from tinman.scenarios.scenario import ScenarioPair
from tinman.targets.base import Target
from tinman.targets.chat import ChatTarget
from tinman.targets.load import as_target
from tinman.taxonomy import RiskTier

DISCOVERY_CASES = stats.SCREEN_OKS + stats.CONFIRM_CAP
PICK = 8
REATTACK = 6
CHUNK = 8
LEAST_BASELINE_FAILURES = 3
BENIGN_FAILING = 0.2
CAPS = {Mode.LAB: 45, Mode.SHADOW: 20, Mode.PRODUCTION: 20}
MARGINS = {Mode.LAB: 0.10, Mode.SHADOW: 0.05, Mode.PRODUCTION: 0.02}
MIN_CONFIDENCE = 0.7
MAX_LATENCY_MS = 500.0

_ESTIMATE = """Estimate, without running anything, whether the fix described in the data would stop the failure
described there, and what it might cost. Your estimate will be shown as an estimate and cannot lead to a deployment."""


@frozen
class EffectEstimate:
    """What the LLM is asked for when there is no target to replay against."""

    failure_rate_improvement: Annotated[float, Field(ge=-1, le=1)]
    side_effects: tuple[str, ...]
    reasoning: str


def recommend(
    outcome: SimulationOutcome,
    *,
    basis: str,
    confidence: float,
    regressions: Sequence[str],
    latency_ms: float,
    benign_is_proven: bool,
) -> tuple[bool, str]:
    """Return whether to deploy, and the first reason against it. The same strict rule in every mode."""
    if basis != "replay":
        return False, f"rests on {'an estimate' if basis == 'estimate' else 'a heuristic'}, not on a replay"
    if outcome is not SimulationOutcome.IMPROVED:
        return False, f"the outcome is {outcome}"
    if confidence < MIN_CONFIDENCE:
        return False, f"confidence {confidence:.2f} is under {MIN_CONFIDENCE}"
    if regressions:
        return False, f"regressions: {'; '.join(regressions)}"
    if latency_ms >= MAX_LATENCY_MS:
        return False, f"adds {latency_ms:.0f} ms, the limit is {MAX_LATENCY_MS:.0f}"
    if not benign_is_proven:
        return False, "harm to benign cases is not excluded"
    return True, "improved in a paired replay, no benign loss, no added latency to speak of"


@dataclass(frozen=True)
class _Case:
    """What is known of a failure when its fixes are simulated."""

    failure: DiscoveredFailure
    design: ExperimentDesign
    benign: tuple[tuple[ExperimentDesign, ScenarioPair], ...]


@dataclass(frozen=True)
class _Arms:
    """Paired runs and what they add up to."""

    before: tuple[Run, ...]
    after: tuple[Run, ...]

    @property
    def paired(self) -> Paired:
        pairs = list(zip(self.before, self.after, strict=True))
        return Paired(
            n=len(pairs),
            before_failures=sum(b.verdict == "failure" for b, _ in pairs),
            after_failures=sum(a.verdict == "failure" for _, a in pairs),
            cured=sum(b.verdict == "failure" and a.verdict == "ok" for b, a in pairs),
            broken=sum(b.verdict == "ok" and a.verdict != "ok" for b, a in pairs),
            indeterminate=sum("indeterminate" in (b.verdict, a.verdict) for b, a in pairs),
        )

    @property
    def latency_ms(self) -> float:
        """The median added time over pairs."""
        added = sorted(a.duration_ms - b.duration_ms for b, a in zip(self.before, self.after, strict=True))
        return float(added[len(added) // 2]) if added else 0.0


def measured_on(target: Target, patches: Sequence[Patch]) -> Target:
    """Return what both arms are run on: without retries of our own while something that asks again is measured."""
    asks_again = any(patch.kind in {"retry_policy", "circuit_breaker"} for patch in patches)
    if asks_again and isinstance(target, ChatTarget) and isinstance(target.model, Metered):
        return target.with_model(target.model.without_retries())
    return target


class SimulationEngine(BaseAgent):
    """Validates interventions by counterfactual replay."""

    kind = "simulation_engine"

    def __init__(
        self,
        graph: MemoryGraph | None = None,
        model_client: Target | Model | None = None,
        llm_backbone: Reasoner | None = None,
        approval_handler: ApprovalHandler | None = None,
        event_bus: EventBus | None = None,
    ) -> None:
        super().__init__(graph=graph, llm_backbone=llm_backbone, event_bus=event_bus)
        self.target = None if model_client is None else as_target(model_client)
        self.approval_handler = approval_handler

    async def execute(
        self,
        context: AgentContext,
        *,
        interventions: Sequence[Intervention | dict[str, Any]],
        num_runs: int | None = 5,
        skip_approval: bool = False,
        failures: Sequence[DiscoveredFailure] = (),
        experiments: Sequence[ExperimentDesign] = (),
        max_runs: int | None = None,
        allow_destructive: bool = False,
        **_: Any,
    ) -> AgentResult:
        """Simulate; ``output`` is a tuple of ``SimulationResult`` in the order of the interventions.

        ``num_runs`` is the number of pairs; ``None`` takes as many as prove a cure of 80% with power 0.8 (five never
        suffice: the result then says how many are missing). Failures and designs not given are read from the graph.
        """
        started = clock.monotonic()
        runtime = self.runtime_of(context)
        wanted = taken(Intervention, interventions)
        known = await self._cases(wanted, failures, experiments)
        groups: dict[str, list[Intervention]] = {}
        for intervention in wanted:
            groups.setdefault(intervention.failure_id, []).append(intervention)
        results: list[SimulationResult] = []
        no_destruction = why_not_destructive(context.mode, opted_in=allow_destructive)
        forbidden = {id for id, case in known.items() if no_destruction and case.design.is_destructive}
        questions = [
            self._question(context, known[failure_id], fitting, num_runs)
            for failure_id, candidates in groups.items()
            if failure_id in known.keys() - forbidden and (fitting := self._fitting(candidates))
        ]
        refusals = await refused(self.approval_handler, context.mode, questions, skip_approval=skip_approval)
        skipped = [i.id for i in wanted if i.failure_id in refusals]
        left = max_runs
        for failure_id, candidates in groups.items():
            await self.checkpoint()
            case = known.get(failure_id)
            runs_before = sum(r.run_count for r in results)
            if self.target is None or case is None:
                results += [await self._without_replay(context, runtime, c, case) for c in candidates]
                continue
            if failure_id in forbidden:
                results += [self._unproven(c, case, no_destruction) for c in candidates]
                continue
            if left is not None and left - runs_before < PICK * (len(candidates) + 1):
                results += [self._unproven(c, case, "no runs are left in the budget for fixes") for c in candidates]
                continue
            allowed = [c for c in candidates if c.id not in skipped]
            if allowed:
                results += await self._simulate(context, runtime, case, allowed, num_runs)
        results = _holm(results)
        order = {intervention.id: index for index, intervention in enumerate(wanted)}
        results.sort(key=lambda r: order[r.intervention_id])
        await self._record(context, runtime, results)
        for result in results:
            self.bus.publish(
                "simulation.finished", intervention_id=result.intervention_id, outcome=result.outcome.value
            )
        data = {
            "simulations_run": len(results),
            "skipped_count": len(skipped),
            "skipped_interventions": skipped,
            "improved": sum(r.outcome is SimulationOutcome.IMPROVED for r in results),
            "deploy_recommended": sum(r.deploy_recommended for r in results),
            "results": [to_data(r) for r in results],
        }
        return self._result(data=data, started=started, output=tuple(results))

    async def _record(self, context: AgentContext, runtime: Runtime, results: Sequence[SimulationResult]) -> None:
        async def work(tx: Tx) -> tuple[SimulationResult, ...]:
            for result in results:
                tx.record(result)
                if context.runtime is not None:
                    tx.link(result.intervention_id, "simulated_by", result.id)
            return tuple(results)

        await runtime.step("simulations", work)

    # -- what is known -----------------------------------------------------------------------------------------------

    async def _cases(
        self,
        interventions: Sequence[Intervention],
        failures: Sequence[DiscoveredFailure],
        designs: Sequence[ExperimentDesign],
    ) -> dict[str, _Case]:
        by_id = {f.id: f for f in failures}
        design_by_id = {d.id: d for d in designs}
        if self.graph is not None:
            missing = {i.failure_id for i in interventions} - by_id.keys()
            for node in (await self.graph.nodes(sorted(missing))).values():
                if isinstance(node.record, DiscoveredFailure):
                    by_id[node.id] = node.record
            wanted = {f.experiment_id for f in by_id.values()} - design_by_id.keys()
            for node in (await self.graph.nodes(sorted(wanted))).values():
                if isinstance(node.record, ExperimentDesign):
                    design_by_id[node.id] = node.record
        return {
            f.id: _Case(f, design_by_id[f.experiment_id], _benign(design_by_id[f.experiment_id], design_by_id))
            for f in by_id.values()
            if f.experiment_id in design_by_id
        }

    def _question(
        self, context: AgentContext, case: _Case, candidates: Sequence[Intervention], num_runs: int | None
    ) -> Question:
        """Ask once for a failure: all its candidates, and the most runs that trying them may take."""
        assert self.target is not None
        names = ", ".join(candidate.name for candidate in candidates)
        digests = ", ".join(patch_digest(candidate.payload) for candidate in candidates)
        runs = most_runs(context.mode, case, len(candidates), num_runs)
        cost = estimated_cost_usd(self.target, case.design, runs)
        return Question(
            id=case.failure.id,
            action=Action(kind="simulation", what=names, mode=context.mode, tier=RiskTier.REVIEW),
            ask=lambda handler: handler.approve_simulation(names, digests, runs, cost, mode=context.mode),
        )

    def _fitting(self, candidates: Sequence[Intervention]) -> list[Intervention]:
        """Return the candidates that can be put around the target; none without one."""
        return [c for c in candidates if self.target is not None and not why_not(self.target, c.payload)]

    # -- replay ------------------------------------------------------------------------------------------------------

    async def _simulate(
        self,
        context: AgentContext,
        runtime: Runtime,
        case: _Case,
        candidates: list[Intervention],
        num_runs: int | None,
    ) -> list[SimulationResult]:
        assert self.target is not None
        fitting = self._fitting(candidates)
        results = [self._unproven(c, case, why_not(self.target, c.payload)) for c in candidates if c not in fitting]
        if not fitting:
            return results
        winner, picks = await self._pick(context, runtime, case, fitting)
        rate = _planning_rate(case.failure, next(iter(picks.values()), Paired()))
        for loser in fitting:
            if loser is not winner:
                reason = f"lost the pick to {winner.label or winner.name}: not confirmed"
                lost = self._unproven(loser, case, reason)
                results.append(replace(lost, basis="replay", pick=picks[loser.id], run_count=PICK))
        proven = await self._prove(context, runtime, case, winner, rate, num_runs)
        return [*results, replace(proven, pick=picks.get(winner.id))]

    async def _arms(
        self,
        context: AgentContext,
        runtime: Runtime,
        cases: Sequence[tuple[ExperimentDesign, ScenarioPair]],
        interventions: Sequence[Intervention],
        stage: Stage,
        about: str,
        *,
        first: int = 0,
    ) -> dict[str, tuple[Run, ...]]:
        """Run ``cases`` as the target is (under ``""``) and with each intervention, on the same dice."""
        assert self.target is not None
        arm: Arm = "control" if stage == "benign" else "stress"
        as_is = measured_on(self.target, [i.payload for i in interventions])
        targets: list[tuple[str, str, Target]] = [("", "", as_is)]
        targets += [(i.id, patch_digest(i.payload), apply(as_is, i.payload)) for i in interventions]
        items = [
            running(
                self,
                target,
                design,
                pair,
                stage=stage,
                arm=arm,
                number=first + number,
                seed=context.seed,
                cycle_id=runtime.cycle_id,
                patch=patch,
                about=about,
            )
            for number, (design, pair) in enumerate(cases)
            for _, patch, target in targets
        ]
        runs = await runtime.map(items, context.concurrency)
        width = len(targets)
        return {name: tuple(runs[index::width]) for index, (name, _, _) in enumerate(targets)}

    async def _pick(
        self, context: AgentContext, runtime: Runtime, case: _Case, candidates: list[Intervention]
    ) -> tuple[Intervention, dict[str, Paired]]:
        """Return the candidate that cures most; ties go to the one proposed first, which is the deterministic guard."""
        if len(candidates) == 1:
            return candidates[0], {}
        pairs = case.design.test_cases[DISCOVERY_CASES : DISCOVERY_CASES + PICK]
        runs = await self._arms(
            context, runtime, [(case.design, p) for p in pairs], candidates, "pick", case.failure.id
        )
        scored = {c.id: _Arms(runs[""], runs[c.id]).paired for c in candidates}
        best = max(candidates, key=lambda c: scored[c.id].cured - scored[c.id].broken)
        return best, scored

    async def _prove(
        self,
        context: AgentContext,
        runtime: Runtime,
        case: _Case,
        winner: Intervention,
        rate: float,
        num_runs: int | None,
    ) -> SimulationResult:
        planned = stats.pairs_needed(rate, cap=CAPS[context.mode]) if num_runs is None else num_runs
        pairs = [(case.design, pair) for pair in _prove_pool(case.design)[:planned]]
        arms = _Arms((), ())
        for first in range(0, len(pairs), CHUNK):
            runs = await self._arms(
                context, runtime, pairs[first : first + CHUNK], [winner], "prove", winner.id, first=first
            )
            arms = _Arms(arms.before + runs[""], arms.after + runs[winner.id])
            if is_settled(arms.paired, len(pairs) - len(arms.before)):
                break
        paired = arms.paired
        is_improved = stats.mcnemar(paired.cured, paired.broken) <= stats.ALPHA and paired.cured > paired.broken
        benign_arms = await self._benign(context, runtime, case, winner) if is_improved else _Arms((), ())
        again = await self._reattack(context, runtime, case, winner) if is_improved else Counts()
        return self._concluded(context.mode, case, winner, arms, benign_arms, again, planned)

    async def _benign(self, context: AgentContext, runtime: Runtime, case: _Case, winner: Intervention) -> _Arms:
        """Run cases that the target passes as it is, with the patch; as many as the margin of the mode needs.

        Where more than a fifth of them fail as it is, they are no traffic to be kept whole: no more are tried.
        """
        needed = stats.benign_needed(0, MARGINS[context.mode])
        most = _most_benign(context.mode, case)
        before: tuple[Run, ...] = ()
        after: tuple[Run, ...] = ()
        position = 0
        while len(before) < needed and position < most:
            cases = case.benign[position : min(most, position + needed - len(before))]
            runs = await self._arms(context, runtime, cases, [winner], "benign", winner.id, first=position)
            passed = [i for i, run in enumerate(runs[""]) if run.verdict == "ok"]
            before += tuple(runs[""][i] for i in passed)
            after += tuple(runs[winner.id][i] for i in passed)
            position += len(cases)
        return _Arms(before, after)

    async def _reattack(self, context: AgentContext, runtime: Runtime, case: _Case, winner: Intervention) -> Counts:
        """Attack the patched target with cases kept back for it."""
        assert self.target is not None
        target = apply(measured_on(self.target, [winner.payload]), winner.payload)
        pool = case.design.test_cases[-REATTACK:]
        items = [
            running(
                self,
                target,
                case.design,
                pair,
                stage="reattack",
                arm="stress",
                number=number,
                seed=context.seed,
                cycle_id=runtime.cycle_id,
                patch=patch_digest(winner.payload),
                about=winner.id,
            )
            for number, pair in enumerate(pool)
        ]
        return counted(await runtime.map(items, context.concurrency))

    # -- conclusions -------------------------------------------------------------------------------------------------

    def _concluded(
        self,
        mode: Mode,
        case: _Case,
        winner: Intervention,
        arms: _Arms,
        benign_arms: _Arms,
        again: Counts,
        planned: int,
    ) -> SimulationResult:
        paired = arms.paired
        digest = patch_digest(winner.payload)
        losses = sum(
            b.verdict == "ok" and a.verdict != "ok" and digest in a.acted
            for b, a in zip(benign_arms.before, benign_arms.after, strict=True)
        )
        benign = replace(benign_arms.paired, broken=losses)
        upper, margin = stats.loss_upper(losses, benign.n), MARGINS[mode]
        p = stats.mcnemar(paired.cured, paired.broken)
        outcome, reason = _outcome(paired, p, losses, upper, margin, planned)
        regressions = (f"{losses} of {benign.n} benign cases lost",) if losses else ()
        latency = arms.latency_ms
        is_proven = benign.n > 0 and upper <= margin
        confidence = 1 - p
        deploy, why = recommend(
            outcome,
            basis="replay",
            confidence=confidence,
            regressions=regressions,
            latency_ms=latency,
            benign_is_proven=is_proven,
        )
        if not deploy and outcome is SimulationOutcome.IMPROVED and not is_proven and not losses:
            missing = max(0, stats.benign_needed(0, margin) - benign.n)
            why = (
                f"harm not excluded: {losses} of {benign.n} lost, true loss up to {upper:.1%};"
                f" {missing} pairs missing for {margin:.0%}"
            )
        assert self.target is not None
        return SimulationResult(
            id=clock.derive_id("simulation", winner.id, digest),
            intervention_id=winner.id,
            failure_id=case.failure.id,
            outcome=outcome,
            basis="replay",
            paired=paired,
            p_value=p,
            net_cure=stats.net_cure(paired.cured, paired.broken, paired.n),
            before=stats.wilson(paired.before_failures, paired.n),
            after=stats.wilson(paired.after_failures, paired.n),
            pairs_missing=0
            if outcome is SimulationOutcome.IMPROVED
            else stats.pairs_missing(paired.cured, paired.broken),
            benign=benign,
            benign_loss_upper=upper if benign.n else None,
            benign_margin=margin,
            reattack=again,
            confidence=confidence,
            avg_failure_rate_improvement=(
                (paired.before_failures - paired.after_failures) / paired.n if paired.n else 0.0
            ),
            avg_latency_impact=latency,
            side_effects=regressions,
            regressions=regressions,
            deploy_recommended=deploy,
            recommendation_reason=why if deploy or outcome is SimulationOutcome.IMPROVED else reason,
            run_count=2 * paired.n + 2 * benign.n + again.n,
            target_fingerprint=self.target.fingerprint,
            patch_digest=digest,
        )

    def _unproven(self, intervention: Intervention, case: _Case | None, reason: str) -> SimulationResult:
        return SimulationResult(
            id=clock.derive_id("simulation", intervention.id, patch_digest(intervention.payload)),
            intervention_id=intervention.id,
            failure_id=case.failure.id if case else intervention.failure_id,
            outcome=SimulationOutcome.INCONCLUSIVE,
            basis="heuristic",
            recommendation_reason=reason,
            pairs_missing=stats.pairs_missing(0, 0),
            patch_digest=patch_digest(intervention.payload),
        )

    async def _without_replay(
        self, context: AgentContext, runtime: Runtime, intervention: Intervention, case: _Case | None
    ) -> SimulationResult:
        """Return what can be said without a target: an estimate by the LLM, or the playbook's guess, marked as such."""
        data = {"fix": f"{intervention.name}: {intervention.description}", "why": intervention.rationale}
        seed = clock.derive_seed(context.seed, f"estimate/{intervention.id}")
        estimate = await self.ask(_ESTIMATE, EffectEstimate, data=data, seed=seed)
        why = "no target to replay against" if self.target is None else "the failing cases are not in memory"
        unproven = self._unproven(intervention, case, why)
        if estimate is None:
            gain = intervention.expected_gains.get("failure_rate", 0.0)
            return replace(unproven, avg_failure_rate_improvement=gain)
        return replace(
            unproven,
            basis="estimate",
            avg_failure_rate_improvement=estimate.failure_rate_improvement,
            side_effects=estimate.side_effects,
            recommendation_reason=f"{why}; an LLM's estimate proves nothing",
        )


def _prove_pool(design: ExperimentDesign) -> tuple[ScenarioPair, ...]:
    return design.test_cases[DISCOVERY_CASES + PICK : -REATTACK] or design.test_cases


def _most_benign(mode: Mode, case: _Case) -> int:
    """Return how many benign cases are tried at most: what the margin needs, and a fifth of them that fail anyway."""
    return min(len(case.benign), math.ceil(stats.benign_needed(0, MARGINS[mode]) / (1 - BENIGN_FAILING)))


def most_runs(mode: Mode, case: _Case, candidates: int, num_runs: int | None) -> int:
    """Return the most runs that simulating ``candidates`` fixes of one failure can take: pick, proof, benign cases,
    each with and without a patch, and the attacks on the patched target."""
    pool = case.design.test_cases
    picked = len(pool[DISCOVERY_CASES : DISCOVERY_CASES + PICK]) * (candidates + 1) if candidates > 1 else 0
    planned = CAPS[mode] if num_runs is None else num_runs
    proven = min(planned, len(_prove_pool(case.design)))
    return picked + 2 * proven + 2 * _most_benign(mode, case) + min(REATTACK, len(pool))


def _planning_rate(failure: DiscoveredFailure, pick: Paired) -> float:
    """Return the baseline rate to plan the proof for: confirm and pick runs, shrunk, since four of four is not 100%."""
    failures, n = failure.stress.failures + pick.before_failures, failure.stress.n + pick.n
    return (failures + 1) / (n + 2)


def _benign(
    own: ExperimentDesign, designs: dict[str, ExperimentDesign]
) -> tuple[tuple[ExperimentDesign, ScenarioPair], ...]:
    """Return controls to lose nothing of: the failure's own topic and all others in turn, from unused cases."""
    start = DISCOVERY_CASES + PICK
    pools = [own, *(d for key, d in sorted(designs.items()) if d.id != own.id)]
    usable = [[(d, p) for p in (d.test_cases[start:] or d.test_cases) if p.control is not None] for d in pools]
    longest = max((len(pool) for pool in usable), default=0)
    return tuple(pool[i] for i in range(longest) for pool in usable if i < len(pool))


def is_settled(paired: Paired, left: int) -> bool:
    """Say whether proving may end: ``left`` further pairs can change neither p <= 0.05, either way, nor the verdict.

    A significant result is never settled early: Holm's correction weighs its final p among all fixes.
    """
    cured, broken = paired.cured, paired.broken
    if stats.mcnemar(cured, broken) <= stats.ALPHA:
        return False
    if not (stats.is_decided(cured, broken, left) and stats.is_decided(broken, cured, left)):
        return False
    if paired.before_failures < LEAST_BASELINE_FAILURES:
        return paired.before_failures + left < LEAST_BASELINE_FAILURES
    return cured - broken > left or broken - cured >= left


def _outcome(
    paired: Paired, p: float, losses: int, upper: float, margin: float, planned: int
) -> tuple[SimulationOutcome, str]:
    """Return what the paired runs show, and why it is no more than that."""
    if paired.broken > paired.cured and p <= stats.ALPHA:
        return SimulationOutcome.DEGRADED, f"{paired.broken} cases newly fail, {paired.cured} are cured (p {p:.2g})"
    if paired.cured > paired.broken and p <= stats.ALPHA:
        if losses and upper > margin:
            return SimulationOutcome.SIDE_EFFECT, f"cures, but loses {losses} benign cases"
        return SimulationOutcome.IMPROVED, ""
    if paired.before_failures < LEAST_BASELINE_FAILURES:
        return (
            SimulationOutcome.INCONCLUSIVE,
            f"not reproducible now: {paired.before_failures} of {paired.n} baseline runs failed",
        )
    missing = stats.pairs_missing(paired.cured, paired.broken)
    if paired.cured > paired.broken and paired.n <= planned and p <= 0.5:
        return (
            SimulationOutcome.INCONCLUSIVE,
            f"p {p:.2g} after {paired.n} pairs; {missing} more cured ones are missing",
        )
    if paired.n >= LEAST_BASELINE_FAILURES and paired.cured <= paired.broken:
        return (
            SimulationOutcome.NO_CHANGE,
            f"{paired.cured} cured, {paired.broken} newly failing of {paired.n} (p {p:.2g})",
        )
    return SimulationOutcome.INCONCLUSIVE, f"p {p:.2g} after {paired.n} pairs; {missing} more cured ones are missing"


def _holm(results: list[SimulationResult]) -> list[SimulationResult]:
    """Hold all improvements of one call to a family-wise error of 5%."""
    tested = {r.id: r.p_value for r in results if r.p_value is not None}
    kept = stats.holm(tested)
    return [
        replace(
            r,
            outcome=SimulationOutcome.INCONCLUSIVE,
            deploy_recommended=False,
            recommendation_reason=f"p {r.p_value:.2g} does not stand among {len(tested)} fixes tested together (Holm)",
            pairs_missing=1,
        )
        if r.outcome is SimulationOutcome.IMPROVED and r.id not in kept
        else r
        for r in results
    ]


__all__ = ["SimulationEngine", "SimulationOutcome", "SimulationResult", "recommend"]
