"""An experiment under way as a value, and the rules by which it is judged: pure functions of the runs so far.

**Screen**: one stressed case of each probe and then another of each; a failure whose own control holds promotes the
probe. **Confirm**: unused cases of that probe, stress and control in pairs; e-values over all probes that entered this
stage (e-BH) decide at the end of each round, in key order. The unit is a probe of an experiment: pooled with probes
that never work, one that always does would drown.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from tinman import clock, stats
from tinman.config.modes import Mode, run_limit
from tinman.experiments.cases import CasePlan
from tinman.experiments.runs import count
from tinman.records import ExperimentDesign, Run, Standing
from tinman.scenarios.scenario import ScenarioPair
from tinman.taxonomy import SUBTYPES

RANDOM_SLOT_CHANCE = 0.1
LEAST_FAILING_CASES = 3
INDETERMINATE_SHARE = 0.2
HOPELESS_AFTER = 4
"""So many controls that all fail say that the target cannot be asked this."""
MUTE_AFTER = 3
"""So many runs that all give nothing to judge say that this cannot be measured."""
P0 = 0.05
"""The rate at which a case may fail by itself, where there is no control to measure it."""

Trials = Mapping[str, "Trial"]
"""Trials by the id of their design, in key order."""


@dataclass(frozen=True)
class Ruling:
    """What an experiment, or a probe of it, ended with, and why."""

    standing: Standing
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """The confirm stage of one probe. ``limit`` bounds its stressed runs; ``ruling`` is why it ended unconfirmed."""

    key: str
    probe: str
    limit: int
    has_control: bool
    stress: tuple[Run, ...] = ()
    control: tuple[Run, ...] = ()
    ruling: Ruling | None = None

    @property
    def is_open(self) -> bool:
        """Whether it may go on."""
        return self.ruling is None and len(self.stress) < self.limit

    @property
    def differing(self) -> tuple[int, int]:
        """In how many pairs only the stressed run failed, and in how many only the control. An indeterminate run counts
        as ok under stress and as failure in the control."""
        held = {run.case: run.verdict == "ok" for run in self.control}
        pairs = [(run.verdict == "failure", not held[run.case]) for run in self.stress if run.case in held]
        return pairs.count((True, False)), pairs.count((False, True))

    @property
    def log_e(self) -> float:
        """Evidence so far."""
        stress, control = count(self.stress), count(self.control)
        if not self.has_control:
            return stats.log_e_one_arm(stress.n, stress.failures, P0)
        n = min(stress.n, control.n)
        return stats.log_e(n, stress.failures, control.failures + control.indeterminate, *self.differing)

    @property
    def failing_cases(self) -> int:
        """How many distinct cases failed under stress."""
        return len({run.case for run in self.stress if run.verdict == "failure"})

    def pairs_missing(self, bar: float) -> int | None:
        """Return how many further pairs would reach ``bar``, if they went on as those so far."""
        stress, control = count(self.stress), count(self.control)
        if not self.has_control or not stress.failures:
            return None
        n = min(stress.n, control.n)
        return stats.pairs_to_reach(
            bar, n, stress.failures, control.failures + control.indeterminate, *self.differing, cap=200
        )


@dataclass(frozen=True, kw_only=True)
class Trial:
    """An experiment under way. ``ruling`` is set where it may not run, or not go on.

    ``checks`` are the controls of the screen's failures; a probe whose control failed as well is ``excused``.
    ``rechecked`` are runs that say whether what is known is still there.
    """

    design: ExperimentDesign
    plan: CasePlan
    screen_limit: int
    confirm_limit: int
    screen: tuple[Run, ...] = ()
    checks: tuple[Run, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    measured: tuple[Run, ...] = ()
    rechecked: tuple[Run, ...] = ()
    ruling: Ruling | None = None
    note: str = ""
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
            confirm_limit=limit,
            ruling=Ruling("not_run", why_not) if why_not else None,
        )

    @property
    def key(self) -> str:
        """The id of the design."""
        return self.design.id

    @property
    def attempt(self) -> Attempt | None:
        """The attempt under way, or the last one."""
        return self.attempts[-1] if self.attempts else None

    @property
    def excused(self) -> frozenset[str]:
        """The probes whose control failed with them."""
        return frozenset(run.probe for run in self.checks if run.verdict != "ok")

    @property
    def waiting(self) -> tuple[str, ...]:
        """The probes that failed in the screen, whose control held, and that were not confirmed yet."""
        begun = {attempt.probe for attempt in self.attempts}
        checked = {run.probe for run in self.checks}
        failed = dict.fromkeys(run.probe for run in self.screen if run.verdict == "failure")
        return tuple(
            probe
            for probe in failed
            if probe not in begun | self.excused and (probe in checked or not self.plan.has_control(probe))
        )

    @property
    def next_screen(self) -> tuple[int, ScenarioPair] | None:
        """The next case of the screen with its number, none of a probe that failed before; ``None`` at its end."""
        tried = {run.case for run in self.screen}
        failed = {run.probe for run in self.screen if run.verdict == "failure"}
        # A probe that failed is tried again in the screen only where its control failed with it, once.
        again = {p for p in self.excused if sum(run.probe == p for run in self.checks) == 1}
        for number, pair in enumerate(self.plan.screen[: self.screen_limit]):
            if pair.case not in tried and (pair.probe not in failed or pair.probe in again):
                return number, pair
        return None

    def extended(self, design: ExperimentDesign) -> Trial:
        """Return the trial with the cases that its design was given since."""
        return replace(self, design=design, plan=CasePlan.of(design))

    def attempting(self, probe: str) -> Trial:
        """Return the trial with the confirm stage of ``probe`` begun."""
        limit = min(len(self.plan.confirms[probe]), self.confirm_limit - sum(len(a.stress) for a in self.attempts))
        attempt = Attempt(
            key=f"{self.key}/{probe}",
            probe=probe,
            limit=limit,
            has_control=self.plan.has_control(probe),
            ruling=None if limit else Ruling("suspected", "reproduced for this input only; more cases are needed"),
        )
        return replace(self, attempts=(*self.attempts, attempt))

    def with_runs(self, runs: Iterable[Run]) -> Trial:
        """Return the trial with those of ``runs`` that are its own, each in its stage, arm and probe."""
        own = [run for run in runs if run.experiment_id == self.key]

        def of(stage: str, arm: str, probe: str | None = None) -> tuple[Run, ...]:
            return tuple(r for r in own if r.stage == stage and r.arm == arm and probe in (None, r.probe))

        return replace(
            self,
            screen=self.screen + of("screen", "stress"),
            checks=self.checks + of("screen", "control"),
            attempts=tuple(
                replace(
                    each,
                    stress=each.stress + of("confirm", "stress", each.probe),
                    control=each.control + of("confirm", "control", each.probe),
                )
                for each in self.attempts
            ),
            measured=self.measured + of("measure", "stress"),
            rechecked=self.rechecked + of("recheck", "stress"),
        )

    def noting(self, note: str) -> Trial:
        """Return the trial with something worth saying beside what it ends with."""
        return replace(self, note=f"{self.note}; {note}" if self.note else note)

    def ruled(self, standing: Standing, reason: str = "") -> Trial:
        """Return the trial, ended."""
        return replace(self, ruling=Ruling(standing, reason))


def attempts_in(trials: Trials) -> dict[str, Attempt]:
    """Return every attempt by its key, in key order."""
    found = {attempt.key: attempt for trial in trials.values() for attempt in trial.attempts}
    return dict(sorted(found.items()))


def confirmed_in(trials: Trials, mode: Mode) -> frozenset[str]:
    """Return the keys of the attempts that are confirmed, among all that entered the stage.

    What is excluded by its own runs never counts as confirmed: not for itself, and not as one of the k of e-BH, whose
    threshold holds only among those that are reported. More that enter later raise the bar for those before them: they
    go on then.
    """
    if mode is Mode.PRODUCTION:
        return frozenset()
    entered = {key: each for key, each in attempts_in(trials).items() if each.stress}
    return stats.ebh({key: each.log_e if _may_be_confirmed(each) else -math.inf for key, each in entered.items()})


def bar_in(trials: Trials) -> float:
    """Return the ln e that one further confirmed attempt needs by itself."""
    entered = sum(1 for each in attempts_in(trials).values() if each.stress)
    return math.log(max(1, entered) / stats.ALPHA)


def after_round(trials: Trials, mode: Mode) -> Trials:
    """Return ``trials`` with those attempts ended that are futile or excluded; called at the end of each round."""
    confirmed = confirmed_in(trials, mode)
    return {
        key: replace(
            trial,
            attempts=tuple(a if a.key in confirmed or a.ruling else _stopped(a) for a in trial.attempts),
        )
        for key, trial in trials.items()
    }


def _stopped(attempt: Attempt) -> Attempt:
    stress = count(attempt.stress)
    if stress.n < stats.FUTILE_AFTER:
        return attempt
    ruling = exclusion(attempt)
    if ruling is None and not stress.failures:
        upper = stats.unseen_upper(stress.n)
        told = f"failed once in the screen, not once in {stress.n} fresh cases (the rate may be up to {upper:.0%})"
        ruling = Ruling("not_seen", told)
    if ruling is None and attempt.has_control and not attempt.differing[0]:
        control = count(attempt.control)
        told = f"the control fails with it: {stress.failures} of {stress.n} and {control.failures} of {control.n}"
        ruling = Ruling("not_applicable", told)
    return replace(attempt, ruling=ruling)


def exclusion(attempt: Attempt) -> Ruling | None:
    """Return why the runs so far cannot carry a finding, whatever their evidence: an arm with too little to judge.

    A share of whatever ran; final from ``FUTILE_AFTER`` pairs on, or when runs end.
    """
    for counts, arm in ((count(attempt.stress), "stressed"), (count(attempt.control), "control")):
        if counts.n and counts.indeterminate > INDETERMINATE_SHARE * counts.n:
            return Ruling("unmeasurable", f"{counts.indeterminate} of {counts.n} {arm} runs gave nothing to judge")
    return None


def _may_be_confirmed(attempt: Attempt) -> bool:
    return attempt.failing_cases >= LEAST_FAILING_CASES and exclusion(attempt) is None


# -- who may be confirmed


def holders(trials: Trials, mode: Mode) -> frozenset[str]:
    """Return the keys of the trials that hold a slot: by an attempt that goes on, is confirmed, or may still be true at
    its end."""
    confirmed = confirmed_in(trials, mode)
    return frozenset(
        key for key, trial in trials.items() if any(a.key in confirmed or a.ruling is None for a in trial.attempts)
    )


def choose(trials: Trials, slots: int | None, seed: int, mode: Mode) -> tuple[Trials, tuple[str, ...]]:
    """Return ``trials`` with the chances of all that wait for one of ``slots``, and the keys of those that get one.

    One that proved futile has given its slot back. The best first, a tenth of the slots by chance; the chance with
    which each was chosen is needed to score forecasts without bias.
    """
    holding = holders(trials, mode)
    wanting = [trial for key, trial in trials.items() if key not in holding and trial.ruling is None and trial.waiting]
    ranked = sorted(wanting, key=lambda trial: (-_promise(trial, seed), trial.key))
    free = len(ranked) if slots is None else max(0, slots - len(holding))
    if len(ranked) <= free:
        return trials, tuple(sorted(trial.key for trial in ranked))
    after = dict(trials)
    chosen: list[str] = []
    for slot in range(free):
        rest = [trial.key for trial in ranked if trial.key not in chosen]
        key = f"slot/{len(holding) + slot}"
        is_random = clock.chance(seed, key) < RANDOM_SLOT_CHANCE
        chosen.append(rest[int(clock.chance(seed, f"{key}/which") * len(rest)) if is_random else 0])
    share = RANDOM_SLOT_CHANCE * free / len(ranked)
    for place, trial in enumerate(ranked):
        chance = min(1.0, share + (1 - RANDOM_SLOT_CHANCE if place < free else 0.0))
        after[trial.key] = replace(trial, selection_chance=chance)
    return after, tuple(sorted(chosen))


def _promise(trial: Trial, seed: int) -> float:
    """Return P(true) x P(next run fails) x severity per cost, ties broken by a Thompson draw."""
    seen = count(trial.screen)
    dice = clock.rng(seed, f"thompson/{trial.key}")
    chance = dice.betavariate(1 + seen.failures, 1 + seen.oks)
    known = SUBTYPES.get(trial.design.subtype)
    weight = (1 + known.severity.rank if known else 1) * (0.1 + trial.design.forecast)
    return weight * chance / (1 + math.log1p(trial.design.estimated_tokens))


def whose_turn(active: Sequence[Trial], *, has_room: bool) -> list[Trial]:
    """Return those of the ``active`` trials that are screened next.

    What was asked for gets its first ``SCREEN_OKS`` cases, then whatever was tried least is tried: a first case finds
    more than a seventh. Beyond what was asked for nothing is tried unless it ``has_room`` to be confirmed.
    """
    active = [trial for trial in active if has_room or trial.design.wave == 1]
    asked = [trial for trial in active if trial.design.wave == 1 and len(trial.screen) < stats.SCREEN_OKS]
    if asked or not active:
        return asked
    least = min(len(trial.screen) for trial in active)
    return [trial for trial in active if len(trial.screen) == least]


def is_finished(trial: Trial, confirmed: Iterable[str]) -> bool:
    """Say whether nothing more is to be screened.

    It may not run, a probe of it is confirmed or waits to be, no case is left, all its controls failed so far, or
    nothing could be judged.
    """
    keys = set(confirmed)
    is_hopeless = len(trial.checks) >= HOPELESS_AFTER and len(trial.checks) == sum(
        run.verdict != "ok" for run in trial.checks
    )
    is_mute = len(trial.screen) >= MUTE_AFTER and all(run.verdict == "indeterminate" for run in trial.screen)
    is_found = bool(trial.waiting) or any(a.key in keys for a in trial.attempts)
    return trial.ruling is not None or is_found or is_hopeless or is_mute or trial.next_screen is None


# -- what it ends with


def end(trial: Trial, confirmed: Iterable[str], mode: Mode, bar: float) -> tuple[Ruling, Attempt | None]:
    """Return what the runs of ``trial`` amount to when there are no more to come, and the attempt that says so."""
    keys = set(confirmed)
    best = max(trial.attempts, key=lambda a: (a.key in keys, bool(a.stress), a.ruling is None, a.log_e), default=None)
    if trial.ruling is not None:
        return trial.ruling, best
    if best is not None and best.key in keys:
        return Ruling("validated"), best
    if best is not None and (best.stress or not trial.waiting):
        return _unconfirmed(best, mode, bar), best
    if trial.waiting:
        return Ruling("suspected", f"failed in the screen ({trial.waiting[0] or 'one case'}); not confirmed"), None
    return _screened(trial), None


def _unconfirmed(attempt: Attempt, mode: Mode, bar: float) -> Ruling:
    stress, control = count(attempt.stress), count(attempt.control)
    ruling = attempt.ruling or exclusion(attempt)
    if ruling is not None:
        return ruling
    if mode is Mode.PRODUCTION and stress.failures:
        return Ruling("observed", f"observed in {stress.failures} of {stress.n} runs, which prove little")
    told = f"{stress.failures} of {stress.n} stressed and {control.failures} of {control.n} control runs failed"
    if stress.failures <= control.failures:
        return Ruling("not_seen", f"{told}: no more under stress than without")
    if attempt.failing_cases < LEAST_FAILING_CASES and attempt.limit < LEAST_FAILING_CASES:
        return Ruling("suspected", "reproduced for this input only; more cases are needed")
    missing = attempt.pairs_missing(bar)
    more = f"; about {missing} more pairs would tell" if missing else ""
    return Ruling("suspected", f"{told}: not enough to be sure{more}")


def _screened(trial: Trial) -> Ruling:
    seen = count(trial.screen)
    if not seen.n:
        return Ruling("not_run", "no budget was left to screen it")
    if seen.indeterminate > INDETERMINATE_SHARE * seen.n:
        reason = next(run.reason for run in trial.screen if run.verdict == "indeterminate")
        return Ruling("unmeasurable", f"{seen.indeterminate} of {seen.n} runs gave nothing to judge: {reason}")
    if len(trial.checks) < seen.failures and all(run.verdict != "ok" for run in trial.checks):
        return Ruling("suspected", "failed in the screen, and no runs were left to look at its control")
    if seen.failures:
        asked = [run for run in trial.checks if run.was_served is not None]
        served = sum(1 for run in asked if run.was_served)
        told = f"the control fails as well in {len(trial.checks)} of {seen.failures} cases that failed"
        return Ruling(
            "not_applicable", told + (f"; {served} of {len(asked)} ordinary requests served" if asked else "")
        )
    upper = stats.unseen_upper(seen.oks)
    return Ruling("not_seen", f"{_coverage(trial.screen)} (a rate of up to {upper:.0%} may be missed)")


def _coverage(screen: Sequence[Run]) -> str:
    by_probe = {probe: sum(run.probe == probe for run in screen) for probe in dict.fromkeys(r.probe for r in screen)}
    low, high = min(by_probe.values()), max(by_probe.values())
    cases = f"{low} {'case' if high == 1 else 'cases'}" if low == high else f"{low} to {high} cases"
    if len(by_probe) == 1:
        return f"not seen in {cases}"
    return f"seen by none of {len(by_probe)} probes, {cases} each"
