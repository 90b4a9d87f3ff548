"""What a trial found, as the record that is stored."""

from __future__ import annotations

import math
from collections.abc import Iterable

from tinman import clock, stats
from tinman.config.modes import Mode
from tinman.experiments.runs import count
from tinman.experiments.trials import Attempt, Trial, Trials, bar_in, confirmed_in, end
from tinman.records import Counts, ExperimentResult, JudgedBy, ProbeResult, Run, Standing


def conclude_all(trials: Trials, mode: Mode) -> tuple[ExperimentResult, ...]:
    """Return what each of ``trials`` found, judged together."""
    confirmed, bar = confirmed_in(trials, mode), bar_in(trials)
    return tuple(conclude(trial, confirmed, mode, bar) for trial in trials.values())


def conclude(trial: Trial, confirmed: Iterable[str], mode: Mode, bar: float) -> ExperimentResult:
    """Return what one trial found; ``bar`` is the ln e that one more confirmed attempt would need."""
    ruling, best = end(trial, confirmed, mode, bar)
    stress, control = (count(best.stress), count(best.control)) if best else (Counts(), Counts())
    screen, measured = count(trial.screen), count(trial.measured)
    confirming = [run for attempt in trial.attempts for run in (*attempt.stress, *attempt.control)]
    runs = (*trial.rechecked, *trial.screen, *trial.checks, *confirming, *trial.measured)
    triggered = sum(1 for run in runs if run.arm == "stress" and run.verdict == "failure")
    judged = screen.failures + screen.oks
    log_e = best.log_e if best and stress.n else 0.0
    wilson = stats.wilson_with_indeterminate(measured.failures, measured.oks, measured.indeterminate)
    return ExperimentResult(
        id=clock.derive_id("result", trial.key),
        experiment_id=trial.key,
        hypothesis_id=trial.design.hypothesis_id,
        runs=runs,
        standing=ruling.standing,
        probes=tuple(_probe(trial, probe, set(confirmed), bar) for probe in trial.plan.screens),
        screen=screen,
        stress=stress,
        control=control,
        served=_served(runs),
        confirm_cases=tuple(
            pair for pair in trial.design.confirm_cases if any(run.case == pair.case for run in confirming)
        ),
        interval=_interval(stress) if stress.n else None,
        measured=measured,
        measured_interval=wilson if measured.n else None,
        judge=judge_of(runs),
        log_e=log_e,
        selection_chance=trial.selection_chance,
        failure_class=trial.design.failure_class,
        subtype=trial.design.subtype,
        stress_type=trial.design.stress_type,
        total_runs=len(runs),
        failures_triggered=triggered,
        reproduction_rate=stress.failures / stress.n if stress.n else screen.failures / judged if judged else 0.0,
        hypothesis_validated=ruling.standing == "validated",
        confidence=max(0.0, 1 - math.exp(-max(0.0, log_e))),
        notes="; ".join(filter(None, (ruling.reason, trial.note))),
        total_tokens=sum(run.usage.input_tokens + run.usage.output_tokens for run in runs),
        total_duration_ms=sum(run.duration_ms for run in runs),
    )


def judge_of(runs: Iterable[Run]) -> JudgedBy | None:
    """Return the model whose verdicts decided any of ``runs``; ``None`` where checks alone did."""
    told = (check.evidence for run in runs for turn in run.turns for check in turn.checks if check.type == "judged")
    return next(
        (JudgedBy(name=str(e["judge"]), digest=str(e["judge_digest"])) for e in told if "judge_digest" in e), None
    )


def _probe(trial: Trial, probe: str, confirmed: set[str], bar: float) -> ProbeResult:
    screen = count([run for run in trial.screen if run.probe == probe])
    attempt = next((a for a in trial.attempts if a.probe == probe), None)
    if attempt is None or not attempt.stress:
        return ProbeResult(probe=probe, standing=_screened(trial, probe, screen), screen=screen)
    only_stress, only_control = attempt.differing
    return ProbeResult(
        probe=probe,
        standing=_standing(attempt, confirmed),
        screen=screen,
        stress=count(attempt.stress),
        control=count(attempt.control),
        only_stress=only_stress,
        only_control=only_control,
        log_e=attempt.log_e,
        pairs_missing=None if attempt.key in confirmed or attempt.ruling else attempt.pairs_missing(bar),
        notes=attempt.ruling.reason if attempt.ruling else "",
    )


def _standing(attempt: Attempt, confirmed: set[str]) -> Standing:
    if attempt.key in confirmed:
        return "validated"
    return attempt.ruling.standing if attempt.ruling else "suspected"


def _screened(trial: Trial, probe: str, screen: Counts) -> Standing:
    if probe in trial.excused:
        return "not_applicable"
    if screen.failures:
        return "suspected"
    return "not_run" if not screen.n else "not_seen" if screen.oks else "unmeasurable"


def _served(runs: Iterable[Run]) -> Counts:
    """Count the ordinary requests: those of the controls."""
    told = [run.was_served for run in runs if run.arm == "control" and run.was_served is not None]
    return Counts(oks=told.count(True), failures=told.count(False))


def _interval(counts: Counts) -> stats.Interval:
    """Return the confidence sequence, indeterminate runs counted as ok below and as failed above."""
    return stats.Interval(
        low=stats.confidence_sequence(counts.failures, counts.n).low,
        high=stats.confidence_sequence(counts.failures + counts.indeterminate, counts.n).high,
    )
