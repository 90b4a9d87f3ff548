"""Runs experiments against the target in two stages, and decides with stated error rates what was found.

**Screen**: stressed runs only, in rounds; the first failure promotes, six straight oks end it. **Confirm**: unused
cases, stress and control alternate; e-values over all hypotheses that entered this stage (e-BH) decide at the end of
each round, in key order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tinman import clock, stats
from tinman.agents.asking import Question, refused
from tinman.agents.base import AgentContext, AgentResult, BaseAgent
from tinman.agents.costing import estimated_cost_usd
from tinman.agents.running import counted, running
from tinman.approvals.handler import ApprovalHandler
from tinman.approvals.risk import harm_tier
from tinman.config.modes import Mode, run_limit, why_not_destructive
from tinman.errors import ConfigError
from tinman.events import EventBus
from tinman.memory.graph import MemoryGraph
from tinman.models.base import Model
from tinman.reasoner import Reasoner
from tinman.records import Counts, ExperimentDesign, ExperimentResult, Run, Stage, Standing, taken, to_data
from tinman.review import Action
from tinman.runtime import Runtime, Tx
from tinman.scenarios.scenario import ScenarioPair
from tinman.targets.base import Target
from tinman.targets.load import as_target
from tinman.taxonomy import RiskTier, Severity

FIRST_PAIRS = 4
MORE_PAIRS = 2
RANDOM_SLOT_CHANCE = 0.1
LEAST_FAILING_CASES = 3
INDETERMINATE_SHARE = 0.2
BROKEN_CONTROL_SHARE = 0.2
P0 = 0.05


@dataclass
class _Trial:
    """An experiment under way."""

    design: ExperimentDesign
    screen_limit: int
    confirm_limit: int
    screen: list[Run] = field(default_factory=list)
    stress: list[Run] = field(default_factory=list)
    control: list[Run] = field(default_factory=list)
    measured: list[Run] = field(default_factory=list)
    standing: Standing | None = None
    notes: str = ""
    selection_chance: float = 1.0
    is_promoted: bool = False

    @property
    def key(self) -> str:
        return self.design.id

    @property
    def confirm_pool(self) -> tuple[ScenarioPair, ...]:
        return self.design.test_cases[stats.SCREEN_OKS : stats.SCREEN_OKS + stats.CONFIRM_CAP]

    @property
    def has_control(self) -> bool:
        return all(pair.control is not None for pair in self.confirm_pool)

    @property
    def failing_cases(self) -> int:
        return len({run.case for run in self.stress if run.verdict == "failure"})

    @property
    def log_e(self) -> float:
        """Evidence so far: an indeterminate run counts as ok under stress and as failure in the control."""
        stress, control = counted(self.stress), counted(self.control)
        if not self.has_control:
            return stats.log_e_one_arm(stress.n, stress.failures, P0)
        n = min(stress.n, control.n)
        return stats.log_e_two_arms(n, stress.failures, control.failures + control.indeterminate)


class ExperimentExecutor(BaseAgent):
    """Runs test cases against the target and collects what it really did."""

    kind = "experiment_executor"

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
        experiments: Sequence[ExperimentDesign | dict[str, Any]],
        skip_approval: bool = False,
        max_experiments: int | None = None,
        max_runs: int | None = None,
        measure: int = 0,
        allow_destructive: bool = False,
        **_: Any,
    ) -> AgentResult:
        """Screen every experiment, confirm at most ``max_experiments``; ``output`` is a tuple of ``ExperimentResult``.

        ``max_runs`` bounds all runs together; ``measure`` adds that many runs, one a case, for each validated one.
        A destructive design runs in the lab alone, with ``allow_destructive``, and is asked about like any action that
        could do harm of its severity. Raises ``ConfigError`` without a target, ``BudgetExhausted`` at a ceiling: what
        ran until then is stored.
        """
        started = clock.monotonic()
        if self.target is None:
            raise ConfigError("executor: there is no target to run against; name one with model_client= or --target")
        runtime = self.runtime_of(context)
        designs = taken(ExperimentDesign, experiments)
        no_destruction = why_not_destructive(context.mode, opted_in=allow_destructive)
        skipped: list[str] = []
        for is_harmful in (False, True):
            questions = [
                self._question(context, self.target, design)
                for design in designs
                if design.is_destructive is is_harmful and not (is_harmful and no_destruction)
            ]
            skipped += await refused(
                self.approval_handler, context.mode, questions, skip_approval=skip_approval, is_harmful=is_harmful
            )
        approved = [design for design in designs if design.id not in skipped]
        for design in designs if context.runtime is None else ():
            await self._remember(runtime, design)
        trials = [
            _Trial(
                design,
                screen_limit=min(stats.SCREEN_OKS, run_limit(context.mode, design.estimated_runs)),
                confirm_limit=min(stats.CONFIRM_CAP, run_limit(context.mode, design.estimated_runs)),
            )
            for design in sorted(approved, key=lambda d: d.id)
        ]
        for trial in trials:
            if trial.design.is_destructive and no_destruction:
                trial.standing, trial.notes = "not_run", no_destruction
        left = _Allowance(max_runs)
        await self._screen(context, runtime, trials, left)
        await self._confirm(context, runtime, trials, max_experiments, left)
        if measure:
            await self._measure(context, runtime, trials, measure, left)
        results = await self._conclude(runtime, trials)
        order = {design.id: index for index, design in enumerate(designs)}
        results = tuple(sorted(results, key=lambda r: order[r.experiment_id]))
        data = {
            "experiment_count": len(results),
            "skipped_count": len(skipped),
            "skipped_experiments": skipped,
            "total_runs": sum(r.total_runs for r in results),
            "failures_found": sum(r.failures_triggered for r in results),
            "results": [to_data(r) for r in results],
        }
        return self._result(data=data, started=started, output=results)

    async def _remember(self, runtime: Runtime, design: ExperimentDesign) -> None:
        async def work(tx: Tx) -> ExperimentDesign:
            tx.record(design)
            return design

        await runtime.step(f"remember/{design.id}", work)

    def _question(self, context: AgentContext, target: Target, experiment: ExperimentDesign) -> Question:
        """Ask about the most runs there may be: the screen, and the confirm stage with a control beside each."""
        limit = run_limit(context.mode, experiment.estimated_runs)
        runs = min(stats.SCREEN_OKS, limit) + 2 * min(stats.CONFIRM_CAP, limit)
        harm = harm_tier(context.mode, Severity.S4) if experiment.is_destructive else RiskTier.SAFE
        tier = max(harm, RiskTier.REVIEW)
        return Question(
            id=experiment.id,
            action=Action(kind="experiment", what=experiment.name, mode=context.mode, tier=tier),
            ask=lambda handler: handler.approve_experiment(
                experiment_name=experiment.name,
                hypothesis=experiment.hypothesis_id,
                estimated_runs=runs,
                estimated_cost_usd=estimated_cost_usd(target, experiment, runs),
                stress_type=experiment.stress_type,
                mode=context.mode,
                tier=tier,
            ),
        )

    # -- screening ---------------------------------------------------------------------------------------------------

    async def _screen(self, context: AgentContext, runtime: Runtime, trials: list[_Trial], left: _Allowance) -> None:
        for trial in trials:
            if trial.design.not_runnable or not trial.design.test_cases:
                trial.standing, trial.notes = "not_run", trial.design.not_runnable or "no test cases"
        for number in range(stats.SCREEN_OKS):
            active = [
                t
                for t in trials
                if t.standing is None
                and not t.is_promoted
                and number < t.screen_limit
                and number < len(t.design.test_cases)
            ]
            if not active or not left.take(len(active)):
                break
            items = [self._item(context, runtime, t, t.design.test_cases[number], "screen", number) for t in active]
            for trial, run in zip(active, await runtime.map(items, context.concurrency), strict=True):
                trial.screen.append(run)
                trial.is_promoted = run.verdict == "failure"
        for trial in trials:
            if trial.standing is None and not trial.is_promoted:
                self._end_screen(trial)

    def _end_screen(self, trial: _Trial) -> None:
        seen = counted(trial.screen)
        if seen.n and seen.indeterminate > INDETERMINATE_SHARE * seen.n:
            reason = next(run.reason for run in trial.screen if run.verdict == "indeterminate")
            trial.standing = "unmeasurable"
            trial.notes = f"{seen.indeterminate} of {seen.n} runs gave nothing to judge: {reason}"
        elif not seen.n:
            trial.standing, trial.notes = "not_run", "no budget was left to screen it"
        else:
            trial.standing = "not_seen"
            upper = stats.unseen_upper(seen.oks)
            trial.notes = f"not seen in {seen.oks} cases, the rate may be up to {upper:.0%}"

    def _item(
        self,
        context: AgentContext,
        runtime: Runtime,
        trial: _Trial,
        pair: ScenarioPair,
        stage: Stage,
        number: int,
        *,
        is_control: bool = False,
    ) -> Any:
        assert self.target is not None
        return running(
            self,
            self.target,
            trial.design,
            pair,
            stage=stage,
            arm="control" if is_control else "stress",
            number=number,
            seed=context.seed,
            cycle_id=runtime.cycle_id,
        )

    # -- confirming --------------------------------------------------------------------------------------------------

    def _choose(self, context: AgentContext, promoted: list[_Trial], slots: int | None) -> list[_Trial]:
        """Return the promoted experiments that are confirmed: the best first, a tenth of the slots by chance."""
        if slots is None or len(promoted) <= slots:
            return promoted
        ranked = sorted(promoted, key=lambda t: (-self._promise(context, t), t.key))
        chosen: list[_Trial] = []
        share = RANDOM_SLOT_CHANCE * slots / len(ranked)
        for index, trial in enumerate(ranked):
            trial.selection_chance = min(1.0, share + (1 - RANDOM_SLOT_CHANCE if index < slots else 0.0))
        for slot in range(slots):
            rest = [t for t in ranked if t not in chosen]
            is_random = clock.chance(context.seed, f"slot/{slot}") < RANDOM_SLOT_CHANCE
            pick = int(clock.chance(context.seed, f"slot/{slot}/which") * len(rest)) if is_random else 0
            chosen.append(rest[pick])
        for trial in ranked:
            if trial not in chosen:
                trial.standing = "suspected"
                trial.notes = f"failed in the screen; not confirmed, since only {slots} experiments may be"
        return sorted(chosen, key=lambda t: t.key)

    def _promise(self, context: AgentContext, trial: _Trial) -> float:
        """Return P(true) x P(next run fails) per cost, ties broken by a Thompson draw."""
        seen = counted(trial.screen)
        dice = clock.rng(context.seed, f"thompson/{trial.key}")
        forecast = float(trial.design.parameters.get("forecast", 0.5))
        chance = dice.betavariate(1 + seen.failures, 1 + seen.oks)
        cost = 1 + math.log1p(trial.design.estimated_tokens)
        return (0.1 + forecast) * chance / cost

    async def _confirm(
        self,
        context: AgentContext,
        runtime: Runtime,
        trials: list[_Trial],
        max_experiments: int | None,
        left: _Allowance,
    ) -> None:
        entered = self._choose(context, [t for t in trials if t.is_promoted], max_experiments)
        cap = {t.key: min(t.confirm_limit, len(t.confirm_pool)) for t in entered}
        done = 0
        while True:
            active = [t for t in entered if t.standing is None and len(t.stress) < cap[t.key]]
            step = FIRST_PAIRS if done == 0 else MORE_PAIRS
            numbers = range(done, done + step)
            items: list[Any] = []
            arms: list[list[Run]] = []
            for trial in active:
                pool = trial.confirm_pool
                shuffled = list(range(len(pool)))
                clock.rng(context.seed, f"controls/{trial.key}").shuffle(shuffled)
                for number in numbers:
                    if number >= cap[trial.key]:
                        continue
                    items.append(self._item(context, runtime, trial, pool[number], "confirm", number))
                    arms.append(trial.stress)
                    if trial.has_control:
                        other = pool[shuffled[number]]
                        items.append(self._item(context, runtime, trial, other, "confirm", number, is_control=True))
                        arms.append(trial.control)
            if not items or not left.take(len(items)):
                break
            for arm, run in zip(arms, await runtime.map(items, context.concurrency), strict=True):
                arm.append(run)
            done += step
            self._decide(context.mode, entered)
            self.bus.publish(
                "phase.progressed",
                phase="confirming",
                done=done,
                validated=sum(1 for t in entered if t.standing == "validated"),
            )
        for trial in entered:
            if trial.standing is None:
                self._end_confirm(context.mode, trial)

    def _decide(self, mode: Mode, entered: list[_Trial]) -> None:
        """Stop what can be stopped, at the end of a round, in key order.

        What is excluded by its own runs never counts as confirmed: not for itself, and not as one of the k of e-BH,
        whose threshold holds only among those that are reported.
        """
        confirmed = stats.ebh({t.key: t.log_e if _may_be_confirmed(t) else -math.inf for t in entered})
        for trial in entered:
            if trial.standing is not None:
                continue
            stress = counted(trial.stress)
            if mode is not Mode.PRODUCTION and trial.key in confirmed:
                trial.standing = "validated"
            elif stress.n >= stats.FUTILE_AFTER:
                trial.standing, trial.notes = _exclusion(trial) or (None, trial.notes)
                if trial.standing is None and stress.failures == 0:
                    trial.standing = "not_seen"
                    trial.notes = (
                        f"failed once in the screen, not once in {stress.n} fresh cases"
                        f" (the rate may be up to {stats.unseen_upper(stress.n):.0%})"
                    )

    def _end_confirm(self, mode: Mode, trial: _Trial) -> None:
        stress, control = counted(trial.stress), counted(trial.control)
        excluded = _exclusion(trial)
        if excluded is not None:
            trial.standing, trial.notes = excluded
        elif mode is Mode.PRODUCTION and stress.failures:
            trial.standing, trial.notes = (
                "observed",
                f"observed in {stress.failures} of {stress.n} runs, which prove little",
            )
        elif 0 < trial.failing_cases < LEAST_FAILING_CASES and len(trial.confirm_pool) < LEAST_FAILING_CASES:
            trial.standing, trial.notes = "suspected", "reproduced for this input only; more cases are needed"
        else:
            trial.standing = "suspected"
            trial.notes = (
                f"{stress.failures} of {stress.n} stressed and {control.failures} of {control.n} control runs failed:"
                " not enough to be sure"
            )

    async def _measure(
        self, context: AgentContext, runtime: Runtime, trials: list[_Trial], count: int, left: _Allowance
    ) -> None:
        """Run ``count`` more stressed cases of each validated failure, for an interval at a fixed n.

        One run a case, none used by any other stage: a repeat would be the same observation once more. Where there are
        fewer such cases, fewer runs are made, and it is said.
        """
        for trial in trials:
            if trial.standing != "validated":
                continue
            used = {run.case for run in (*trial.screen, *trial.stress)}
            unused = (*trial.design.measure_cases, *trial.confirm_pool[len(trial.stress) :])
            fresh = list({pair.case: pair for pair in unused if pair.case not in used}.values())[:count]
            if not left.take(len(fresh)):
                trial.notes = f"{trial.notes} not measured: no runs are left".strip()
                continue
            items = [self._item(context, runtime, trial, pair, "measure", i) for i, pair in enumerate(fresh)]
            trial.measured = await runtime.map(items, context.concurrency)
            if len(fresh) < count:
                told = f"measured with {len(fresh)} runs of the {count} asked for: there are no more distinct cases"
                trial.notes = f"{trial.notes} {told}".strip()

    # -- results -----------------------------------------------------------------------------------------------------

    async def _conclude(self, runtime: Runtime, trials: list[_Trial]) -> tuple[ExperimentResult, ...]:
        async def work(tx: Tx) -> tuple[ExperimentResult, ...]:
            results = tuple(_result(trial) for trial in trials)
            for result in results:
                tx.record(result)
                tx.link(result.experiment_id, "executed_as", result.id)
            return results

        return await runtime.step("results", work)


class _Allowance:
    """How many runs are left of a ceiling on runs."""

    def __init__(self, runs: int | None) -> None:
        self._left = runs

    def take(self, runs: int) -> bool:
        """Take ``runs`` if so many are left."""
        if self._left is None:
            return True
        if runs > self._left:
            return False
        self._left -= runs
        return True


def _exclusion(trial: _Trial) -> tuple[Standing, str] | None:
    """Return why the confirm runs so far cannot carry a finding, whatever their evidence: an arm with too little to
    judge, or a control that fails. A share of whatever ran; final from ``FUTILE_AFTER`` pairs on, or when runs end."""
    stress, control = counted(trial.stress), counted(trial.control)
    for counts, arm in ((stress, "stressed"), (control, "control")):
        if counts.n and counts.indeterminate > INDETERMINATE_SHARE * counts.n:
            return "unmeasurable", f"{counts.indeterminate} of {counts.n} {arm} runs gave nothing to judge"
    if control.n and control.failures > BROKEN_CONTROL_SHARE * control.n:
        return "broken_probe", (
            f"the control fails too ({control.failures} of {control.n}): it fails without the stress,"
            " or the probe is broken"
        )
    return None


def _may_be_confirmed(trial: _Trial) -> bool:
    return trial.failing_cases >= LEAST_FAILING_CASES and _exclusion(trial) is None


def _interval(counts: Counts) -> stats.Interval:
    """Return the confidence sequence, indeterminate runs counted as ok below and as failed above."""
    return stats.Interval(
        low=stats.confidence_sequence(counts.failures, counts.n).low,
        high=stats.confidence_sequence(counts.failures + counts.indeterminate, counts.n).high,
    )


def _result(trial: _Trial) -> ExperimentResult:
    screen, stress, control = counted(trial.screen), counted(trial.stress), counted(trial.control)
    measured = counted(trial.measured)
    runs = (*trial.screen, *trial.stress, *trial.control, *trial.measured)
    stressed = screen.failures + stress.failures
    judged = stressed + screen.oks + stress.oks
    return ExperimentResult(
        id=clock.derive_id("result", trial.design.id),
        experiment_id=trial.design.id,
        hypothesis_id=trial.design.hypothesis_id,
        runs=runs,
        standing=trial.standing or "not_run",
        screen=screen,
        stress=stress,
        control=control,
        interval=_interval(stress) if stress.n else None,
        measured=measured,
        measured_interval=(
            stats.wilson_with_indeterminate(measured.failures, measured.oks, measured.indeterminate)
            if measured.n
            else None
        ),
        log_e=trial.log_e if stress.n else 0.0,
        selection_chance=trial.selection_chance,
        failure_class=trial.design.failure_class,
        subtype=trial.design.subtype,
        stress_type=trial.design.stress_type,
        total_runs=len(runs),
        failures_triggered=stressed + measured.failures,
        reproduction_rate=(stress.failures / stress.n if stress.n else stressed / judged if judged else 0.0),
        hypothesis_validated=trial.standing == "validated",
        confidence=0.0 if not stress.n else max(0.0, 1 - math.exp(-max(0.0, trial.log_e))),
        notes=trial.notes,
        total_tokens=sum(run.usage.input_tokens + run.usage.output_tokens for run in runs),
        total_duration_ms=sum(run.duration_ms for run in runs),
    )


__all__ = ["ExperimentExecutor", "ExperimentResult"]
