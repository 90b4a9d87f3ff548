"""``tinman failures`` and ``interventions``: what was found and proposed, as tables, JSON lines or CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import timedelta

from tinman import clock
from tinman.cli.app import App
from tinman.cli.store import expect, memory
from tinman.errors import ConfigError
from tinman.records import DiscoveredFailure, Intervention, Run, SimulationResult, to_data
from tinman.reports.document import failure_data
from tinman.reports.lines import findings, fixes
from tinman.scenarios.transcript import transcript_of
from tinman.taxonomy import FailureClass, Severity
from tinman.text.visible import visible


async def list_(
    app: App,
    cycle: str | None,
    failure_class: str | None,
    severity: str | None,
    since: float | None,
    suspected: bool,
    novel: bool,
    form: str,
) -> None:
    """Print the failures that pass the filters; ``since`` in seconds until now. Raises ``ConfigError``."""
    if failure_class is not None and failure_class.upper() not in FailureClass.__members__:
        raise ConfigError(f"--class: there is no {failure_class!r}; use one of {', '.join(FailureClass)}")
    earliest = None if since is None else clock.now() - timedelta(seconds=since)
    async with memory(app) as graph:
        nodes = await graph.find(kind="failure_mode", cycle_id=cycle, since=earliest)
    found = [
        f
        for node in nodes
        if isinstance(f := node.record, DiscoveredFailure)
        and (suspected or f.is_confirmed)
        and (failure_class is None or f.primary_class is FailureClass(failure_class))
        and (severity is None or f.severity >= Severity(severity))
        and (not novel or f.is_novel)
    ]
    found.sort(key=lambda f: int(f.label.rpartition("-")[2] or 0) if f.label else 0)
    if form == "csv" and not app.as_json:
        app.lines(_csv(found))
    elif form == "table" and not app.as_json:
        app.lines(findings(found) if found else ["  none; add --suspected for those not confirmed"])
    else:
        for failure in found:
            app.document(failure_data(failure))


def _csv(found: Sequence[DiscoveredFailure]) -> list[str]:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["id", "label", "primary_class", "secondary_class", "severity", "standing", "rate", "description"])
    for f in found:
        row = [f.id, f.label, f.primary_class, f.secondary_class or "", f.severity, f.standing, f.reproducibility]
        text = visible(f.description, keep_newlines=False)
        writer.writerow([*row, f"'{text}" if text.startswith(("=", "+", "-", "@")) else text])
    return out.getvalue().splitlines()


async def transcript(app: App, run: str) -> None:
    """Print the transcript of a run, recorded and untrusted."""
    async with memory(app) as graph:
        record = expect(await graph.get(run), Run, "a run")
    app.answer({"schema": "tinman.run/1", **to_data(record)}, visible(transcript_of(record.turns)))


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
