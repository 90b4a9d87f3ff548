"""Screen, confirm and measure: rounds of runs over all experiments at once, judged at the end of each round."""

from __future__ import annotations

from collections.abc import Sequence

from tinman import clock
from tinman.config.modes import Mode
from tinman.experiments.bench import Allowance, Bench
from tinman.experiments.drawing import Drawing
from tinman.experiments.runs import RunSpec
from tinman.experiments.trials import (
    Attempt,
    Trial,
    Trials,
    after_round,
    choose,
    confirmed_in,
    holders,
    is_finished,
    whose_turn,
)
from tinman.records import Run

FIRST_PAIRS = 4
MORE_PAIRS = 2
_NUMBERS_A_PROBE = 100


def _add(trials: Trials, runs: Sequence[Run]) -> Trials:
    return {key: trial.with_runs(runs) for key, trial in trials.items()}


async def discover(
    bench: Bench, trials: Trials, mode: Mode, slots: int | None, left: Allowance, drawing: Drawing
) -> Trials:
    """Screen all trials a round at a time, and confirm what failed before the next round, until nothing is left to try.

    At most ``slots`` experiments hold the confirm stage at once, or at its end. Runs out where ``left`` does.
    """
    while True:
        screened = await _screen_round(bench, trials, mode, slots, left)
        trials = await confirm(bench, screened or trials, mode, slots, left, drawing)
        if screened is None:
            return trials


async def _screen_round(bench: Bench, trials: Trials, mode: Mode, slots: int | None, left: Allowance) -> Trials | None:
    """Run the next case of each trial whose turn it is, and the control of each that failed; ``None`` at the end.

    Where fewer runs are left than there are trials, the first in order get them.
    """
    confirmed = confirmed_in(trials, mode)
    has_room = slots is None or len(holders(trials, mode)) < slots
    active = whose_turn([t for t in trials.values() if not is_finished(t, confirmed)], has_room=has_room)
    active = active[: left.take_most(len(active))]
    if not active:
        return None
    specs = [
        bench.spec(trial.design, found[1], stage="screen", number=found[0])
        for trial in active
        if (found := trial.next_screen) is not None
    ]
    runs = await bench.run(specs)
    trials = _add(trials, runs)
    checks = [
        bench.spec(trials[spec.experiment_id].design, pair, stage="screen", number=spec.number, arm="control")
        for spec, run in zip(specs, runs, strict=True)
        if run.verdict == "failure"
        and (pair := trials[spec.experiment_id].plan.screen[spec.number]).control is not None
    ]
    return _add(trials, await bench.run(checks[: left.take_most(len(checks))]))


async def confirm(
    bench: Bench, trials: Trials, mode: Mode, slots: int | None, left: Allowance, drawing: Drawing
) -> Trials:
    """Run fresh cases of the probes that failed, stress and control in pairs, until each is decided."""
    while True:
        trials, begun = choose(trials, slots, bench.seed, mode)
        for key in begun:
            probe = trials[key].waiting[0]
            extended = trials[key].extended(drawing.to_confirm(trials[key].design, probe))
            trials = {**trials, key: extended.attempting(probe)}
        trials, moved = await _rounds(bench, trials, mode, left)
        if not begun and not moved:
            return trials


async def _rounds(bench: Bench, trials: Trials, mode: Mode, left: Allowance) -> tuple[Trials, bool]:
    """Run rounds of pairs as long as an attempt is undecided; say whether any was run."""
    moved = False
    while True:
        confirmed = confirmed_in(trials, mode)
        open_ones = [
            (trial, attempt)
            for trial in trials.values()
            for attempt in trial.attempts
            if attempt.is_open and attempt.key not in confirmed
        ]
        specs = [spec for trial, attempt in open_ones for spec in _pairs(bench, trial, attempt)]
        if not specs or not left.take(len(specs)):
            return trials, moved
        trials = after_round(_add(trials, await bench.run(specs)), mode)
        moved = True
        done = sum(len(attempt.stress) for trial in trials.values() for attempt in trial.attempts)
        bench.bus.publish("phase.progressed", phase="confirming", done=done, validated=len(confirmed_in(trials, mode)))


def _pairs(bench: Bench, trial: Trial, attempt: Attempt) -> list[RunSpec]:
    """Return the next runs of an attempt. Both arms of a pair share case and dice; a coin of its own says which goes
    first, so that whatever alternates in the target cannot fall on one arm alone."""
    pool = trial.plan.confirms[attempt.probe]
    done = len(attempt.stress)
    first = list(trial.plan.screens).index(attempt.probe) * _NUMBERS_A_PROBE
    specs: list[RunSpec] = []
    for place in range(done, min(attempt.limit, done + (MORE_PAIRS if done else FIRST_PAIRS))):
        pair, number = pool[place], first + place
        both = [bench.spec(trial.design, pair, stage="confirm", number=number)]
        if attempt.has_control:
            both.append(bench.spec(trial.design, pair, stage="confirm", number=number, arm="control"))
        if clock.chance(bench.seed, f"order/{attempt.key}/{place}") < 0.5:
            both.reverse()
        specs += both
    return specs


async def measure(bench: Bench, trials: Trials, mode: Mode, wanted: int, left: Allowance, drawing: Drawing) -> Trials:
    """Run ``wanted`` more stressed cases of each validated failure, for an interval at a fixed n.

    One run a case, none used by any other stage: a repeat would be the same observation once more. Where there are
    fewer such cases, fewer runs are made, and it is said.
    """
    measured, confirmed = dict(trials), confirmed_in(trials, mode)
    for key, trial in trials.items():
        attempt = next((each for each in trial.attempts if each.key in confirmed), None)
        if attempt is None:
            continue
        trial = trial.extended(drawing.to_measure(trial.design, attempt.probe, wanted))
        used = {run.case for run in (*trial.screen, *attempt.stress)}
        unused = (*trial.plan.measure, *trial.plan.confirms[attempt.probe][len(attempt.stress) :])
        fresh = list({pair.case: pair for pair in unused if pair.case not in used}.values())[:wanted]
        if not left.take(len(fresh)):
            measured[key] = trial.noting("not measured: no runs are left")
            continue
        specs = [bench.spec(trial.design, pair, stage="measure", number=i) for i, pair in enumerate(fresh)]
        trial = trial.with_runs(await bench.run(specs))
        if len(fresh) < wanted:
            note = f"measured with {len(fresh)} runs of the {wanted} asked for: there are no more distinct cases"
            trial = trial.noting(note)
        measured[key] = trial
    return measured
