"""Screen, confirm and measure: rounds of runs over all experiments at once, judged at the end of each round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tinman import clock, stats
from tinman.config.modes import Mode
from tinman.experiments.bench import Allowance, Bench
from tinman.experiments.runs import RunSpec
from tinman.experiments.trials import Trial, Trials, after_round, choose, end_confirm, end_screen
from tinman.records import Run

FIRST_PAIRS = 4
MORE_PAIRS = 2


def _add(trials: Trials, runs: Sequence[Run]) -> Trials:
    return {key: trial.with_runs(runs) for key, trial in trials.items()}


async def screen(bench: Bench, trials: Trials, left: Allowance) -> Trials:
    """Run one stressed case of each trial a round, until it fails once or has no case left to try."""
    for number in range(stats.SCREEN_OKS):
        active = [
            trial
            for trial in trials.values()
            if trial.ruling is None and not trial.is_promoted and number < trial.screen_limit
        ]
        if not active or not left.take(len(active)):
            break
        specs = [bench.spec(t.design, t.plan.screen[number], stage="screen", number=number) for t in active]
        trials = _add(trials, await bench.run(specs))
    return {key: end_screen(trial) for key, trial in trials.items()}


async def confirm(bench: Bench, trials: Trials, mode: Mode, slots: int | None, left: Allowance) -> Trials:
    """Run fresh cases of the promoted trials, stress and control alternating, until each is decided.

    At most ``slots`` are confirmed; the others end as suspected.
    """
    trials = choose(trials, slots, bench.seed)
    pairs_run = 0
    while True:
        numbers = range(pairs_run, pairs_run + (MORE_PAIRS if pairs_run else FIRST_PAIRS))
        active = [trial for trial in trials.values() if trial.ruling is None and trial.is_promoted]
        specs = [spec for trial in active for spec in _pairs(bench, trial, numbers)]
        if not specs or not left.take(len(specs)):
            break
        trials = after_round(_add(trials, await bench.run(specs)), mode)
        pairs_run = numbers.stop
        validated = sum(1 for t in trials.values() if t.ruling is not None and t.ruling.standing == "validated")
        bench.bus.publish("phase.progressed", phase="confirming", done=pairs_run, validated=validated)
    return {key: end_confirm(trial, mode) for key, trial in trials.items()}


def _pairs(bench: Bench, trial: Trial, numbers: range) -> list[RunSpec]:
    """Return the next runs of a trial. Stress and control of one number are different cases, so that they are
    independent observations; both arms go through all cases."""
    pool = trial.plan.confirm
    partners = list(range(len(pool)))
    clock.rng(bench.seed, f"controls/{trial.key}").shuffle(partners)
    specs: list[RunSpec] = []
    for number in numbers[: max(0, trial.confirm_limit - numbers.start)]:
        specs.append(bench.spec(trial.design, pool[number], stage="confirm", number=number))
        if trial.plan.has_control:
            other = pool[partners[number]]
            specs.append(bench.spec(trial.design, other, stage="confirm", number=number, arm="control"))
    return specs


async def measure(bench: Bench, trials: Trials, wanted: int, left: Allowance) -> Trials:
    """Run ``wanted`` more stressed cases of each validated failure, for an interval at a fixed n.

    One run a case, none used by any other stage: a repeat would be the same observation once more. Where there are
    fewer such cases, fewer runs are made, and it is said.
    """
    measured = dict(trials)
    for key, trial in trials.items():
        if trial.ruling is None or trial.ruling.standing != "validated":
            continue
        used = {run.case for run in (*trial.screen, *trial.stress)}
        unused = (*trial.plan.measure, *trial.plan.confirm[len(trial.stress) :])
        fresh = list({pair.case: pair for pair in unused if pair.case not in used}.values())[:wanted]
        if not left.take(len(fresh)):
            measured[key] = replace(trial, measure_note="not measured: no runs are left")
            continue
        specs = [bench.spec(trial.design, pair, stage="measure", number=i) for i, pair in enumerate(fresh)]
        trial = trial.with_runs(await bench.run(specs))
        if len(fresh) < wanted:
            note = f"measured with {len(fresh)} runs of the {wanted} asked for: there are no more distinct cases"
            trial = replace(trial, measure_note=note)
        measured[key] = trial
    return measured
