"""``tinman explain``, and one failure or fix in full: why, from stored records."""

from __future__ import annotations

from pathlib import Path

import click

from tinman.cli.app import App
from tinman.cli.bodies.cycles import write
from tinman.cli.store import expect, memory
from tinman.frozen import dump
from tinman.memory import lineage
from tinman.records import DiscoveredFailure, Intervention, Run, SimulationResult, to_data
from tinman.reports import explain as reasons
from tinman.reports.document import failure_data
from tinman.reports.evidence import describe
from tinman.reports.evidence import evidence as shown
from tinman.reports.lines import fixes
from tinman.scenarios.transcript import transcript_of
from tinman.text.visible import to_json


async def show_failure(app: App, name: str, evidence: bool) -> None:
    """Show what was found; with ``evidence``, the worlds and talks it rests on, attack and control."""
    async with memory(app) as graph:
        node = await graph.get(name)
        record = expect(node, DiscoveredFailure, "a failure")
        if app.as_json:
            app.document(failure_data(record))
            return
        app.lines([*describe(record), *await reasons.superseded(graph, node)])
        if evidence:
            app.lines(await shown(graph, record))


async def show_fix(app: App, name: str) -> None:
    """Show a fix: the patch itself, its risk, its proof."""
    async with memory(app) as graph:
        node = await graph.get(name)
        record = expect(node, Intervention, "an intervention")
        lines = await reasons.explain(graph, node.id)
    patch = to_json(dump(record.payload), indent=2).split("\n")
    app.answer({"schema": "tinman.intervention/1", **to_data(record)}, *lines, "  patch:", *patch)


async def explain(app: App, name: str, drawing: Path | None) -> None:
    """Say why, and write the lineage to ``drawing`` where one is wanted."""
    form = drawing.suffix if drawing is not None else ".json"
    if form not in {".graphml", ".json"}:
        raise click.UsageError(f"--graph {drawing}: end the name in .graphml or .json")
    async with memory(app) as graph:
        found = await reasons.explain(graph, name)
        if drawing is not None:
            text = lineage.to_text(await lineage.of(graph, name), "json" if form == ".json" else "graphml")
            await write(drawing, text, "explain")
    app.answer({"schema": "tinman.explanation/1", "name": name, "lines": found}, *found)


async def transcript(app: App, run: str) -> None:
    """Print the transcript of a run, recorded and untrusted."""
    async with memory(app) as graph:
        record = expect(await graph.get(run), Run, "a run")
    app.answer({"schema": "tinman.run/1", **to_data(record)}, *transcript_of(record.turns).split("\n"))


async def interventions(app: App, cycle: str | None) -> None:
    """List fixes with what their simulation showed."""
    async with memory(app) as graph:
        found = [n.record for n in await graph.find(kind="intervention", cycle_id=cycle)]
        simulated = [n.record for n in await graph.find(kind="simulation", cycle_id=cycle)]
        failed = [n.record for n in await graph.find(kind="failure_mode", cycle_id=cycle)]
    proposed = sorted((r for r in found if isinstance(r, Intervention)), key=lambda r: (len(r.label), r.label))
    if app.as_json:
        for each in proposed:
            app.document({"schema": "tinman.intervention/1", **to_data(each)})
        return
    sims = [r for r in simulated if isinstance(r, SimulationResult)]
    app.lines(fixes(proposed, sims, [r for r in failed if isinstance(r, DiscoveredFailure)]))
