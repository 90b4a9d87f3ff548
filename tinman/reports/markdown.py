"""A cycle as Markdown, for a pull request or a job summary; untrusted text stands in fences or is disarmed."""

from __future__ import annotations

from collections.abc import Sequence

from tinman import __version__, stats
from tinman.records import DiscoveredFailure, Intervention, Run, SimulationResult
from tinman.reports.lines import forecasts, judged, measured, not_counted, percent, spent, with_proof
from tinman.reports.result import ResearchCycleResult
from tinman.scenarios.transcript import transcript_of
from tinman.text.visible import fence
from tinman.text.visible import markdown as safe

TRANSCRIPTS = 5
_FIXES = ("id", "for", "type", "risk", "before", "after", "benign lost", "outcome", "why")


def report(result: ResearchCycleResult) -> str:
    """Return the whole report: verdict first, what was not tested, findings, fixes, spend, method."""
    found = [f for f in result.failures if f.is_confirmed]
    suspected = [f for f in result.failures if f.standing == "suspected"]
    fixes = [_fix(*each) for each in with_proof(result.interventions, result.simulations, result.failures)]
    lines = [
        f"# Tinman {safe(result.cycle_id)}",
        "",
        _verdict(result, found),
        "",
        f"Target {safe(result.target)} (fingerprint {safe(result.fingerprint)}), mode {result.mode},"
        f" reasoner {safe(result.reasoner)}.",
        "",
        f"Started {result.started_at:%Y-%m-%d %H:%M} UTC"
        + (f", ended {result.ended_at:%Y-%m-%d %H:%M} UTC" if result.ended_at else ", not ended")
        + f", seed {result.options.seed}, Tinman {__version__}.",
        "",
        "## What was not found or not tested",
        "",
        *_untested(result, suspected),
        "",
        "## Findings",
        "",
        *_findings(found),
        "",
        "## Fixes",
        "",
        *_table(_FIXES, fixes, none="None proposed."),
        "",
        "## Spend",
        "",
        *([f"Reasoner: {safe(str(result.spent.answers))}.", ""] if result.spent.answers.asked else []),
        safe(spent(result)),
        "",
    ]
    left_out = not_counted(result)
    if left_out:
        lines += [f"Not counted: {safe(left_out)}.", ""]
    if result.scores:
        lines += ["## Forecasts", "", *(f"- {score.source}: {forecasts(score)}" for score in result.scores), ""]
    lines += [
        "## Method",
        "",
        "Findings beat their control on fresh cases (e-values, e-BH at 5% over the hypotheses that entered confirming);"
        " intervals are 95% confidence sequences.",
        "Fixes are paired replays on fresh cases (exact McNemar, Holm over the cycle's fixes), with benign cases"
        " beside them.",
        f"Audit chain: {result.audit.length} lines, the last with hash {result.audit.head}.",
        "",
    ]
    runs = {run.id: run for r in result.results for run in r.runs}
    lines += _transcripts(found, runs)
    return "\n".join(lines)


def _verdict(result: ResearchCycleResult, found: Sequence[DiscoveredFailure]) -> str:
    fixed = sum(s.deploy_recommended for s in result.simulations)
    stopped = f" It stopped early: {safe(result.stopped_reason)}." if result.stopped_reason else ""
    worst = max((f.severity for f in found), default=None)
    tail = f", the worst {worst}; {fixed} fixes proven" if worst is not None else ""
    return f"**{len(found)} failures validated or observed{tail}.**{stopped}"


def _untested(result: ResearchCycleResult, suspected: Sequence[DiscoveredFailure]) -> list[str]:
    lines = [f"- suspected: {safe(f.description)} ({safe(f.scope_note)})" for f in suspected]
    lines += [
        f"- {r.standing.replace('_', ' ')}: {safe(r.stress_type)} ({safe(r.subtype)}), {safe(r.notes)}"
        for r in result.results
        if r.standing not in {"validated", "observed", "suspected"}
    ]
    return lines or ["Nothing was left out."]


def _findings(found: Sequence[DiscoveredFailure]) -> list[str]:
    titles = ("id", "severity", "class", "what happens", "stress", "control", "95%", "measured", "95% (Wilson)", "new")
    table = _table(
        titles,
        [
            (
                *(safe(f.label), f.severity, f"{f.primary_class} / {safe(f.secondary_class or '')}"),
                *(safe(f.description), f"{f.stress.failures}/{f.stress.n}", f"{f.control.failures}/{f.control.n}"),
                *(percent(f.interval), measured(f), percent(f.measured_interval), f.novelty),
            )
            for f in found
        ],
        none="None.",
    )
    told = [f"- {safe(f.label)}: {safe(judged(f))}" for f in found if f.judge]
    return [*table, "", *told] if told else table


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]], *, none: str) -> list[str]:
    """Return a Markdown table of cells that are harmless already, or ``none`` when there is no row."""
    head = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    return [*head, *(f"| {' | '.join(row).rstrip()} |" for row in rows)] if rows else [none]


def _fix(i: Intervention, s: SimulationResult | None, label: str) -> Sequence[str]:
    cells = (safe(i.label), safe(label), i.intervention_type, i.risk_tier)
    if s is None:
        return (*cells, "-", "-", "-", "not simulated", "")
    if not (n := s.paired.n):
        return (*cells, "-", "-", "-", s.outcome, safe(s.recommendation_reason))
    unknown = stats.wilson(0, 0)
    before = f"{s.paired.before_failures}/{n} {percent(s.before or unknown)}"
    after = f"{s.paired.after_failures}/{n} {percent(s.after or unknown)}"
    upper = s.benign_loss_upper
    lost = "-" if upper is None else f"{s.benign.broken}/{s.benign.n} (<= {upper:.1%})"
    return (*cells, before, after, lost, s.outcome, f"p {s.p_value:.2g}; {safe(s.recommendation_reason)}")


def _transcripts(found: Sequence[DiscoveredFailure], runs: dict[str, Run]) -> list[str]:
    lines: list[str] = []
    for f in found[:TRANSCRIPTS]:
        run = next((runs[run_id] for run_id in f.run_ids if run_id in runs), None)
        if run is None:
            continue
        lines += [
            "",
            f"### {safe(f.label)}: one failing run of {len(f.run_ids)}",
            "",
            f"Severity {f.severity}: {safe(f.severity_reason)}.",
            f"Cause: {safe(f.root_cause)}.",
            "",
            fence(transcript_of(run.turns)),
        ]
    return lines
