"""``tinman failures list`` and ``export``: what was found, as a table, JSON lines or CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import datetime, timedelta

from tinman import clock
from tinman.cli.app import App
from tinman.cli.settings import resolve
from tinman.errors import ConfigError
from tinman.memory.glance import glance
from tinman.memory.nodes import Node
from tinman.records import DiscoveredFailure
from tinman.reports.document import failure_data
from tinman.reports.lines import findings
from tinman.taxonomy import FailureClass, Severity
from tinman.text.visible import visible


def list_(
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
    nodes = glance(resolve(app).settings.db, "failure_mode", cycle_id=cycle, since=earliest)
    if nodes is None:
        import anyio  # noqa: PLC0415 - with the store it takes longer to load than a listing to make

        nodes = anyio.run(_find, app, cycle, earliest)
    found = [
        f
        for node in nodes
        if node.valid_to is None
        and isinstance(f := node.record, DiscoveredFailure)
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


async def _find(app: App, cycle: str | None, earliest: datetime | None) -> list[Node]:
    from tinman.cli.store import memory  # noqa: PLC0415 - loads SQLAlchemy

    async with memory(app) as graph:
        return await graph.find(kind="failure_mode", cycle_id=cycle, since=earliest)


def _csv(found: Sequence[DiscoveredFailure]) -> list[str]:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["id", "label", "primary_class", "secondary_class", "severity", "standing", "rate", "description"])
    for f in found:
        row = [f.id, f.label, f.primary_class, f.secondary_class or "", f.severity, f.standing, f.reproducibility]
        text = visible(f.description, keep_newlines=False)
        writer.writerow([*row, f"'{text}" if text.startswith(("=", "+", "-", "@")) else text])
    return out.getvalue().splitlines()
