"""An experiment under way as a value, and the rules by which it is judged: pure functions of the runs so far.

**Screen**: stressed runs only; the first failure promotes, six straight oks end it. **Confirm**: unused cases, stress
and control alternate; e-values over all hypotheses that entered this stage (e-BH) decide at the end of each round, in
key order.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from tinman import clock, stats
from tinman.config.modes import Mode, run_limit
from tinman.experiments.cases import CasePlan
from tinman.experiments.runs import count
from tinman.records import Counts, ExperimentDesign, ExperimentResult, Run, Standing

RANDOM_SLOT_CHANCE = 0.1
LEAST_FAILING_CASES = 3
INDETERMINATE_SHARE = 0.2
BROKEN_CONTROL_SHARE = 0.2
P0 = 0.05
"""The rate at which a stressed case may fail by itself, where there is no control to measure it."""

Trials = Mapping[str, "Trial"]
"""Trials by the id of their design, in key order."""


@dataclass(frozen=True)
class Ruling:
    """What an experiment ended with, and why."""

    standing: Standing
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """An experiment under way. ``ruling`` is ``None`` as long as it goes on."""

    design: ExperimentDesign
    plan: CasePlan
    screen_limit: int
    confirm_limit: int
    screen: tuple[Run, ...] = ()
    stress: tuple[Run, ...] = ()
    control: tuple[Run, ...] = ()
    measured: tuple[Run, ...] = ()
    ruling: Ruling | None = None
    measure_note: str = ""
    selection_chance: float = 1.0

    @classmethod
    def begin(cls, design: ExperimentDesign, mode: Mode, *, forbidden: str = "") -> Trial:
        """Return a trial of ``design`` that has not run; ``forbidden`` is why it may not, when it may not."""
        plan, limit = CasePlan.of(design), run_limit(mode, design.estimated_runs)
        why_not = design.not_runnable or (forbidden if design.test_cases else "no test cases")
        return cls(
            design=design,
            plan=plan,
            screen_limit=min(len(plan.screen), limit),
            confirm_limit=min(len(plan.confirm), limit),
            ruling=Ruling("not_run", why_not) if why_not else None,
        )

    @property
    def key(self) -> str:
        """The id of the design."""
        return self.design.id

    @property
    def is_promoted(self) -> bool:
        """Whether it failed in the screen."""
        return any(run.verdict == "failure" for run in self.screen)

    @property
    def failing_cases(self) -> int:
        """How many distinct cases failed under stress in the confirm stage."""
        return len({run.case for run in self.stress if run.verdict == "failure"})

    @property
    def log_e(self) -> float:
        """Evidence so far: an indeterminate run counts as ok under stress and as failure in the control."""
        stress, control = count(self.stress), count(self.control)
        if not self.plan.has_control:
            return stats.log_e_one_arm(stress.n, stress.failures, P0)
        n = min(stress.n, control.n)
        return stats.log_e_two_arms(n, stress.failures, control.failures + control.indeterminate)

    def with_runs(self, runs: Iterable[Run]) -> Trial:
        """Return the trial with those of ``runs`` that are its own, each in its stage and arm."""
        own = [run for run in runs if run.experiment_id == self.key]
        confirming = [run for run in own if run.stage == "confirm"]
        return replace(
            self,
            screen=(*self.screen, *(run for run in own if run.stage == "screen")),
            stress=(*self.stress, *(run for run in confirming if run.arm == "stress")),
            control=(*self.control, *(run for run in confirming if run.arm == "control")),
            measured=(*self.measured, *(run for run in own if run.stage == "measure")),
        )

    def ruled(self, standing: Standing, reason: str = "") -> Trial:
        """Return the trial, ended."""
        return replace(self, ruling=Ruling(standing, reason))


# -- the screen


def end_screen(trial: Trial) -> Trial:
    """Return ``trial`` with what its screen amounts to, when it ends there."""
    if trial.ruling is not None or trial.is_promoted:
        return trial
    seen = count(trial.screen)
    if seen.n and seen.indeterminate > INDETERMINATE_SHARE * seen.n:
        reason = next(run.reason for run in trial.screen if run.verdict == "indeterminate")
        return trial.ruled("unmeasurable", f"{seen.indeterminate} of {seen.n} runs gave nothing to judge: {reason}")
    if not seen.n:
        return trial.ruled("not_run", "no budget was left to screen it")
    upper = stats.unseen_upper(seen.oks)
    return trial.ruled("not_seen", f"not seen in {seen.oks} cases, the rate may be up to {upper:.0%}")


def choose(trials: Trials, slots: int | None, seed: int) -> Trials:
    """Return ``trials`` with the promoted ones that get none of ``slots`` ended as suspected.

    The best first, a tenth of the slots by chance; each keeps the chance with which it was chosen, which is needed to
    score forecasts without bias.
    """
    promoted = [trial for trial in trials.values() if trial.ruling is None and trial.is_promoted]
    if slots is None or len(promoted) <= slots:
        return trials
    ranked = sorted(promoted, key=lambda trial: (-_promise(trial, seed), trial.key))
    chosen: list[str] = []
    for slot in range(slots):
        rest = [trial.key for trial in ranked if trial.key not in chosen]
        is_random = clock.chance(seed, f"slot/{slot}") < RANDOM_SLOT_CHANCE
        place = int(clock.chance(seed, f"slot/{slot}/which") * len(rest)) if is_random else 0
        chosen.append(rest[place])
    share = RANDOM_SLOT_CHANCE * slots / len(ranked)
    after = dict(trials)
    for place, trial in enumerate(ranked):
        chance = min(1.0, share + (1 - RANDOM_SLOT_CHANCE if place < slots else 0.0))
        left_out = Ruling("suspected", f"failed in the screen; not confirmed, since only {slots} experiments may be")
        after[trial.key] = replace(trial, selection_chance=chance, ruling=None if trial.key in chosen else left_out)
    return after


def _promise(trial: Trial, seed: int) -> float:
    """Return P(true) x P(next run fails) per cost, ties broken by a Thompson draw."""
    seen = count(trial.screen)
    dice = clock.rng(seed, f"thompson/{trial.key}")
    chance = dice.betavariate(1 + seen.failures, 1 + seen.oks)
    return (0.1 + trial.design.forecast) * chance / (1 + math.log1p(trial.design.estimated_tokens))


# -- the confirm stage


def after_round(trials: Trials, mode: Mode) -> Trials:
    """Return ``trials`` with those ended that may stop now; called at the end of each round of the confirm stage.

    What is excluded by its own runs never counts as confirmed: not for itself, and not as one of the k of e-BH, whose
    threshold holds only among those that are reported.
    """
    entered = {key: t for key, t in trials.items() if t.is_promoted and (t.ruling is None or t.stress)}
    confirmed = stats.ebh({key: t.log_e if _may_be_confirmed(t) else -math.inf for key, t in entered.items()})
    return {
        key: _stopped(trial, mode, is_confirmed=key in confirmed) if trial.ruling is None and key in entered else trial
        for key, trial in trials.items()
    }


def _stopped(trial: Trial, mode: Mode, *, is_confirmed: bool) -> Trial:
    if mode is not Mode.PRODUCTION and is_confirmed:
        return trial.ruled("validated")
    stress = count(trial.stress)
    if stress.n < stats.FUTILE_AFTER:
        return trial
    excluded = exclusion(trial)
    if excluded is not None:
        return replace(trial, ruling=excluded)
    if stress.failures:
        return trial
    upper = stats.unseen_upper(stress.n)
    told = f"failed once in the screen, not once in {stress.n} fresh cases (the rate may be up to {upper:.0%})"
    return trial.ruled("not_seen", told)


def end_confirm(trial: Trial, mode: Mode) -> Trial:
    """Return ``trial`` with what its runs amount to, when there are no more to come."""
    if trial.ruling is not None or not trial.is_promoted:
        return trial
    stress, control = count(trial.stress), count(trial.control)
    excluded = exclusion(trial)
    if excluded is not None:
        return replace(trial, ruling=excluded)
    if mode is Mode.PRODUCTION and stress.failures:
        return trial.ruled("observed", f"observed in {stress.failures} of {stress.n} runs, which prove little")
    if 0 < trial.failing_cases < LEAST_FAILING_CASES and len(trial.plan.confirm) < LEAST_FAILING_CASES:
        return trial.ruled("suspected", "reproduced for this input only; more cases are needed")
    return trial.ruled(
        "suspected",
        f"{stress.failures} of {stress.n} stressed and {control.failures} of {control.n} control runs failed:"
        " not enough to be sure",
    )


def exclusion(trial: Trial) -> Ruling | None:
    """Return why the confirm runs so far cannot carry a finding, whatever their evidence: an arm with too little to
    judge, or a control that fails. A share of whatever ran; final from ``FUTILE_AFTER`` pairs on, or when runs end."""
    stress, control = count(trial.stress), count(trial.control)
    for counts, arm in ((stress, "stressed"), (control, "control")):
        if counts.n and counts.indeterminate > INDETERMINATE_SHARE * counts.n:
            return Ruling("unmeasurable", f"{counts.indeterminate} of {counts.n} {arm} runs gave nothing to judge")
    if control.n and control.failures > BROKEN_CONTROL_SHARE * control.n:
        return Ruling(
            "broken_probe",
            f"the control fails too ({control.failures} of {control.n}): it fails without the stress,"
            " or the probe is broken",
        )
    return None


def _may_be_confirmed(trial: Trial) -> bool:
    return trial.failing_cases >= LEAST_FAILING_CASES and exclusion(trial) is None


# -- the result


def conclude(trial: Trial) -> ExperimentResult:
    """Return what the trial found, as the record that is stored."""
    screen, stress, control = count(trial.screen), count(trial.stress), count(trial.control)
    measured = count(trial.measured)
    wilson = stats.wilson_with_indeterminate(measured.failures, measured.oks, measured.indeterminate)
    runs = (*trial.screen, *trial.stress, *trial.control, *trial.measured)
    stressed = screen.failures + stress.failures
    judged = stressed + screen.oks + stress.oks
    ruling = trial.ruling or Ruling("not_run")
    return ExperimentResult(
        id=clock.derive_id("result", trial.key),
        experiment_id=trial.key,
        hypothesis_id=trial.design.hypothesis_id,
        runs=runs,
        standing=ruling.standing,
        screen=screen,
        stress=stress,
        control=control,
        interval=_interval(stress) if stress.n else None,
        measured=measured,
        measured_interval=wilson if measured.n else None,
        log_e=trial.log_e if stress.n else 0.0,
        selection_chance=trial.selection_chance,
        failure_class=trial.design.failure_class,
        subtype=trial.design.subtype,
        stress_type=trial.design.stress_type,
        total_runs=len(runs),
        failures_triggered=stressed + measured.failures,
        reproduction_rate=(stress.failures / stress.n if stress.n else stressed / judged if judged else 0.0),
        hypothesis_validated=ruling.standing == "validated",
        confidence=0.0 if not stress.n else max(0.0, 1 - math.exp(-max(0.0, trial.log_e))),
        notes=f"{ruling.reason} {trial.measure_note}".strip(),
        total_tokens=sum(run.usage.input_tokens + run.usage.output_tokens for run in runs),
        total_duration_ms=sum(run.duration_ms for run in runs),
    )


def _interval(counts: Counts) -> stats.Interval:
    """Return the confidence sequence, indeterminate runs counted as ok below and as failed above."""
    return stats.Interval(
        low=stats.confidence_sequence(counts.failures, counts.n).low,
        high=stats.confidence_sequence(counts.failures + counts.indeterminate, counts.n).high,
    )
