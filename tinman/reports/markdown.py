"""A cycle as Markdown, for a pull request or a job summary; untrusted text stands in fences or is disarmed."""

from __future__ import annotations

from collections.abc import Sequence

from tinman import stats
from tinman.records import DiscoveredFailure, Intervention, Run, SimulationResult
from tinman.reports.lines import forecasts, measured, not_counted, percent, spent
from tinman.reports.result import ResearchCycleResult
from tinman.scenarios.transcript import transcript_of
from tinman.text.visible import fenced
from tinman.text.visible import markdown as safe

TRANSCRIPTS = 5


def report(result: ResearchCycleResult) -> str:
    """Return the whole report: verdict first, what was not tested, findings, fixes, spend, method."""
    found = [f for f in result.failures if f.is_confirmed]
    suspected = [f for f in result.failures if f.standing == "suspected"]
    lines = [
        f"# Tinman {safe(result.cycle_id)}",
        "",
        _verdict(result, found),
        "",
        f"Target {safe(result.target)}, mode {result.mode}, reasoner {safe(result.reasoner)}.",
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
        *_fixes(result.interventions, result.simulations, result.failures),
        "",
        "## Spend",
        "",
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
        f"Seed {result.options.seed}.",
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
    if not found:
        return ["None."]
    return [
        "| id | severity | class | what happens | stress | control | 95% | measured | 95% (Wilson) | new |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *(
            f"| {safe(f.label)} | {f.severity} | {f.primary_class} / {safe(f.secondary_class or '')}"
            f" | {safe(f.description)} | {f.stress.failures}/{f.stress.n} | {f.control.failures}/{f.control.n}"
            f" | {percent(f.interval)} | {measured(f)} | {percent(f.measured_interval)} | {f.novelty} |"
            for f in found
        ),
    ]


def _fixes(
    interventions: Sequence[Intervention],
    simulations: Sequence[SimulationResult],
    failures: Sequence[DiscoveredFailure],
) -> list[str]:
    if not interventions:
        return ["None proposed."]
    label = {f.id: f.label for f in failures}
    by_intervention = {s.intervention_id: s for s in simulations}
    lines = [
        "| id | for | type | risk | before | after | benign lost | outcome | why |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for i in interventions:
        s = by_intervention.get(i.id)
        if s is None:
            tail = "| - | - | - | not simulated | |"
        elif not s.paired.n:
            tail = f"| - | - | - | {s.outcome} | {safe(s.recommendation_reason)} |"
        else:
            n = s.paired.n
            lost = (
                "-" if s.benign_loss_upper is None else f"{s.benign.broken}/{s.benign.n} (<= {s.benign_loss_upper:.1%})"
            )
            tail = (
                f"| {s.paired.before_failures}/{n} {percent(s.before or stats.wilson(0, 0))}"
                f" | {s.paired.after_failures}/{n} {percent(s.after or stats.wilson(0, 0))} | {lost} | {s.outcome}"
                f" | p {s.p_value:.2g}; {safe(s.recommendation_reason)} |"
            )
        lines.append(
            f"| {safe(i.label)} | {safe(label.get(i.failure_id, '?'))} | {i.intervention_type} | {i.risk_tier} {tail}"
        )
    return lines


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
            fenced(transcript_of(run.turns)),
        ]
    return lines
