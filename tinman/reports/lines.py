"""A cycle as lines of plain text that fit eighty columns; whatever came from a model is made harmless."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tinman import stats
from tinman.memory.beliefs import Score
from tinman.records import (
    DiscoveredFailure,
    ExperimentResult,
    Intervention,
    SimulationOutcome,
    SimulationResult,
)
from tinman.text.visible import shorten

if TYPE_CHECKING:  # loads the store, and a listing of failures has no use for it
    from tinman.reports.result import ResearchCycleResult

WIDTH = 80


def percent(interval: stats.Interval | None) -> str:
    """Return an interval as ``[33, 100]``, in percent."""
    return "-" if interval is None else f"[{interval.low * 100:.0f}, {interval.high * 100:.0f}]"


def measured(failure: DiscoveredFailure) -> str:
    """Return the failing runs of ``--measure`` out of all, as ``181/200``; those without a verdict apart."""
    counts = failure.measured
    lost = f" ({counts.indeterminate} lost)" if counts.indeterminate else ""
    return f"{counts.failures}/{counts.n}{lost}" if counts.n else "-"


def findings(failures: Sequence[DiscoveredFailure]) -> list[str]:
    """Return the table of failures: id, severity, class, what happens, both arms, the interval, whether it is new;
    under each what ``--measure`` made of it."""
    lines = [f"  {'ID':<6} {'sev':<3} {'class':<13} {'what happens':<25} {'stress':>6} {'control':>7} {'95%':>9} new"]
    for f in failures:
        arms = [f"{arm.failures}/{arm.n}" if arm.n else "-" for arm in (f.stress, f.control)]
        lines.append(
            f"  {f.label or f.id[:6]:<6} {f.severity:<3} {f.primary_class:<13} {shorten(f.description, 25):<25}"
            f" {arms[0]:>6} {arms[1]:>7} {percent(f.interval):>9} {'*' if f.is_novel else ''}".rstrip()
        )
        if f.measured.n:
            lines.append(f"{'measured':>51} {measured(f):>14} {percent(f.measured_interval):>9}")
        lines += _wrapped(" " * 7, judged(f)) if f.judge else []
    return lines


def judged(failure: DiscoveredFailure) -> str:
    """Return which model decided, and the measured rate corrected for its errors or why there is none; else empty."""
    if failure.judge is None:
        return ""
    rate = f"corrected {percent(failure.corrected)}" if failure.corrected else f"uncorrected: {failure.why_uncorrected}"
    return f"judged by {failure.judge.name}, {rate}"


def suspects(failures: Sequence[DiscoveredFailure]) -> list[str]:
    """Return the table of what is suspected: with which probe, in which arm, and what it would take to be sure."""
    lines = [f"  {'ID':<6} {'sev':<3} {'class':<13} {'what happens':<18} {'stress':>6} {'control':>7} to be sure"]
    for f in failures:
        probe = next((p for p in f.probes if p.standing == "suspected" and p.stress.n), None)
        if probe is None:
            seen = sum((p.screen.failures for p in f.probes), 0), sum((p.screen.n for p in f.probes), 0)
            arms, more = [f"{seen[0]}/{seen[1]}", "-"], "--max-experiments"
        else:
            arms = [f"{arm.failures}/{arm.n}" for arm in (probe.stress, probe.control)]
            more = f"{probe.pairs_missing} more pairs" if probe.pairs_missing else "more cases"
        lines.append(
            f"  {f.label or f.id[:6]:<6} {f.severity:<3} {f.primary_class:<13} {shorten(f.description, 18):<18}"
            f" {arms[0]:>6} {arms[1]:>7} {more}"
        )
    return lines


def unseen(results: Sequence[ExperimentResult]) -> list[str]:
    """Return how far was looked for what was not seen, and what could not be looked for, by reason."""
    lines = [line for r in results if r.standing == "known" for line in _wrapped("  Known          ", r.notes)]
    absent = [r for r in results if r.standing == "not_seen"]
    if absent:
        probes = sum(len(r.probes) for r in absent)
        upper = stats.unseen_upper(min(r.screen.oks for r in absent))
        named = "1 hypothesis" if len(absent) == 1 else f"{len(absent)} hypotheses"
        lines.append(f"  Not seen       {named}, by {probes} probes; a rate of up to {upper:.0%} may be missed")
    for standing in ("not_applicable", "unmeasurable", "broken_probe", "not_run"):
        reasons = Counter(r.notes for r in results if r.standing == standing)
        for reason, n in reasons.most_common():
            named = ", ".join(dict.fromkeys(r.subtype or r.stress_type for r in results if r.notes == reason))
            lines += _wrapped(f"  {standing.replace('_', ' ').capitalize():<15}", f"{n} ({named}): {reason}")
    return lines


def _wrapped(head: str, text: str) -> list[str]:
    """Return ``text`` beside ``head``, whole, in lines that fit."""
    told = textwrap.wrap(shorten(text, 1_000), WIDTH - len(head)) or [""]
    return [f"{head if i == 0 else ' ' * len(head)}{line}" for i, line in enumerate(told)]


def with_proof(
    interventions: Sequence[Intervention],
    simulations: Sequence[SimulationResult],
    failures: Sequence[DiscoveredFailure],
) -> list[tuple[Intervention, SimulationResult | None, str]]:
    """Return each fix with its simulation, if there was one, and the label of the failure that it is for."""
    proofs = {s.intervention_id: s for s in simulations}
    labels = {f.id: f.label or f.id[:4] for f in failures}
    return [(i, proofs.get(i.id), labels.get(i.failure_id, "?")) for i in interventions]


def fixes(
    interventions: Sequence[Intervention],
    simulations: Sequence[SimulationResult],
    failures: Sequence[DiscoveredFailure],
) -> list[str]:
    """Return the table of fixes: before and after where they were replayed, or why not."""
    lines = [f"  {'ID':<6} {'type':<16} {'risk':<6} {'for':<4} {'before':>6} {'after':>5} {'benign lost':>13} proof"]
    for i, s, label in with_proof(interventions, simulations, failures):
        start = f"  {i.label or i.id[:6]:<6} {i.intervention_type:<16} {i.risk_tier:<6} {label:<4}"
        if s is None:
            lines.append(f"{start} not simulated")
        elif not s.paired.n:
            lines.append(f"{start} {shorten(s.recommendation_reason, WIDTH - len(start) - 1)}")
        else:
            n = s.paired.n
            benign = f"{s.benign.broken}/{s.benign.n}" if s.benign.n else "-"
            if s.benign_loss_upper is not None:
                benign += f" (<={s.benign_loss_upper * 100:.1f}%)"
            p = "" if s.p_value is None else " p<0.001" if s.p_value < 0.001 else f" p {s.p_value:.3f}"
            before, after = f"{s.paired.before_failures}/{n}", f"{s.paired.after_failures}/{n}"
            lines.append(f"{start} {before:>6} {after:>5} {benign:>13} {s.basis}{p}")
            if s.outcome is not SimulationOutcome.IMPROVED or not s.deploy_recommended:
                lines.append("         " + shorten(f"{s.outcome}: {s.recommendation_reason}", WIDTH - 9))
    return lines


def unfixed(result: ResearchCycleResult) -> list[str]:
    """Return why a failure got no proposal, a line each; nothing before the interventions' phase is over."""
    if result.status != "completed":
        return []
    proposed = {i.failure_id for i in result.interventions}
    treated = [f for f in result.failures if f.is_confirmed]
    limit = result.options.max_interventions
    return [
        f"  No fix for {f.label or f.id[:6]}: "
        + ("no patch known for it fits this target" if i < limit else f"fixes were sought for {limit} failures")
        for i, f in enumerate(treated)
        if f.id not in proposed
    ]


def not_counted(result: ResearchCycleResult) -> str:
    """Return how many runs gave nothing to judge, by reason, or an empty text."""
    reasons = Counter(
        run.reason.partition(":")[0] for r in result.results for run in r.runs if run.verdict == "indeterminate"
    )
    if not reasons:
        return ""
    told = ", ".join(f"{n} {shorten(reason, 30)}" for reason, n in reasons.most_common(2))
    more = ", ..." if len(reasons) > 2 else ""
    total = sum(reasons.values())
    return f"{total} {'run' if total == 1 else 'runs'} gave nothing to judge: {told}{more}"


def spent(result: ResearchCycleResult) -> str:
    """Return what the cycle cost, in time without the pauses between its processes."""
    usage, limits = result.usage, result.options
    tokens = usage.input_tokens + usage.output_tokens
    money = "money unknown" if usage.usd is None else f"{usage.usd:.2f} USD"
    if limits.max_usd is not None:
        money += f" of {limits.max_usd:.2f}"
    told = f"{money} · {usage.calls:,} of {limits.max_calls:,} calls · {tokens:,} tokens"
    if result.spent.seconds is None:  # no process of it has ended but by a kill
        return told
    minutes, seconds = divmod(round(result.spent.seconds), 60)
    return f"{told} · {minutes} min {seconds:02d} s"


def forecasts(score: Score) -> str:
    """Return how the forecasts of a source fared, beside what its base rate alone would have scored."""
    told = f"{score.resolved} scored, {score.unresolved} unresolved"
    if score.brier is None or score.base_brier is None:
        return told
    return f"{told} · Brier {score.brier:.2f}, base rate alone {score.base_brier:.2f}"


def summary(result: ResearchCycleResult) -> list[str]:
    """Return the closing screen of a cycle, without the next commands."""
    by_standing = Counter(f.standing for f in result.failures)
    absent = sum(r.standing == "not_seen" for r in result.results)
    heading = " · ".join(
        part
        for part in (
            f"{by_standing['validated']} validated",
            f"{by_standing['observed']} observed" if by_standing["observed"] else "",
            f"{by_standing['suspected']} suspected",
            f"{absent} not seen",
        )
        if part
    )
    lines = [f"  {'Findings':<10} {heading:>{WIDTH - 14}}"]
    shown = [f for f in result.failures if f.is_confirmed]
    lines += findings(shown) if shown else ["  none"]
    suspected = [f for f in result.failures if f.standing == "suspected"]
    if suspected:
        lines += ["", "  Suspected, not confirmed", *suspects(suspected)]
    lines += ["", *unseen(result.results)]
    if result.interventions:
        lines += ["", "  Proposed fixes", *fixes(result.interventions, result.simulations, result.failures)]
    lines += unfixed(result)
    left_out = not_counted(result)
    lines += ["", *([f"  Not counted   {left_out}"] if left_out else [])]
    lines += [f"  Forecasts     {forecasts(score)}" for score in result.scores if score.source == "total"]
    if result.spent.answers.asked or result.spent.answers.spared:
        lines += [f"  Reasoner      {result.spent.answers}"]
    lines += [f"  Spent         {spent(result)}"]
    return lines
