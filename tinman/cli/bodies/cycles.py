"""``tinman cycles``, ``loops`` and ``report``: what cycles and loops came to."""

from __future__ import annotations

from pathlib import Path

import anyio
import click

from tinman.audit import AuditLog
from tinman.cli.app import UNVERIFIED, App
from tinman.cli.store import memory
from tinman.config.settings import secret_values
from tinman.errors import NotFound, StoreError
from tinman.memory.nodes import Cycle
from tinman.records import Ending
from tinman.reports.document import document, failure_data
from tinman.reports.inspect_log import inspect_log
from tinman.reports.lines import findings, summary
from tinman.reports.markdown import report as markdown_report
from tinman.reports.result import load_result
from tinman.runtime import JournalRuntime
from tinman.scenarios.files import report_unwritable, write_bytes, write_text
from tinman.text.visible import shorten, to_json


async def list_(app: App) -> None:
    """List cycles, newest first."""
    async with memory(app) as graph:
        found = await graph.cycles.newest()
    app.listing(
        found,
        lambda cycle: {
            "schema": "tinman.cycle-line/1",
            "cycle_id": cycle.id,
            "mode": cycle.mode.value,
            "target": cycle.target,
            "status": cycle.status,
            "phase": cycle.phase,
            "stopped_reason": cycle.ending.reason if cycle.ending else "",
            "created_at": cycle.created_at.isoformat(),
        },
        lambda cycle: f"{_dated(cycle)}  {cycle.mode:<10} {cycle.status:<9} {shorten(cycle.target, 30)}",
    )


def _dated(cycle: Cycle) -> str:
    return f"  {cycle.id}  {cycle.created_at:%Y-%m-%d %H:%M}"


async def loops(app: App) -> None:
    """List loops that run by themselves, newest first."""
    async with memory(app) as graph:
        found = await graph.cycles.newest("loop")
    app.listing(
        found,
        lambda loop: {
            "schema": "tinman.loop-line/1",
            "loop_id": loop.id,
            "mode": loop.mode.value,
            "status": _ended(loop),
            "reason": loop.ending.reason if loop.ending else "",
            "goal": str(loop.config.get("goal", "")),
            "created_at": loop.created_at.isoformat(),
        },
        lambda loop: f"{_dated(loop)}  {_ended(loop):<17} {shorten(str(loop.config.get('goal', '')), 30)}",
        none="No loop has run by itself.",
    )


def _ended(loop: Cycle) -> str:
    return loop.ending.kind if loop.ending else "RUNNING"


async def show(app: App, cycle: str) -> None:
    """Show what a cycle found."""
    async with memory(app) as graph:
        result = await load_result(graph, cycle)
    if app.as_json:
        app.document(document(result))
    else:
        app.lines(summary(result))


async def compare(app: App, before: str, after: str) -> None:
    """Say which failures are new, gone or still there from one cycle to another."""
    async with memory(app) as graph:
        old, new = await load_result(graph, before), await load_result(graph, after)
    known = {(f.primary_class, f.secondary_class) for f in old.validated}
    now = {(f.primary_class, f.secondary_class) for f in new.validated}
    compared = {
        "new": [f for f in new.validated if (f.primary_class, f.secondary_class) not in known],
        "still there": [f for f in new.validated if (f.primary_class, f.secondary_class) in known],
        "not validated again": [f for f in old.validated if (f.primary_class, f.secondary_class) not in now],
    }
    lists = {title.replace(" ", "_"): [failure_data(f) for f in shown] for title, shown in compared.items()}
    app.answer(
        {"schema": "tinman.comparison/1", "before": before, "after": after, **lists},
        *(
            line
            for title, shown in compared.items()
            for line in [f"{title}: {len(shown)}", *(findings(shown) if shown else [])]
        ),
    )


async def cancel(app: App, cycle: str) -> None:
    """Give up a cycle, paused or abandoned. Raises ``CycleOwned`` while a process runs it."""
    async with memory(app) as graph:
        if (await graph.cycles.get(cycle)).kind == "loop":
            raise click.UsageError(f"{cycle} is a loop, no cycle; nothing but its process runs it: stop that one")
        async with JournalRuntime(graph, cycle):  # under its lease: nobody goes on meanwhile
            before = (await graph.cycles.get(cycle)).status
            if before in {"completed", "cancelled"}:
                raise click.UsageError(f"cycle {cycle} is {before} already; only one that is not done can be cancelled")
            await graph.cycles.update(
                cycle, status="cancelled", ending=Ending(kind="CANCELLED", reason="cancelled on the command line")
            )
            await AuditLog(graph.db).append(UNVERIFIED, "cycle.cancelled", {"cycle": cycle, "was": before})
    app.answer(
        {"schema": "tinman.cancellation/1", "cycle_id": cycle, "was": before, "status": "cancelled"},
        said=f"cancelled: {cycle}; what it found stays",
    )


async def report(app: App, cycle: str | None, form: str, output: Path | None) -> None:
    """Write the report of a cycle, of the newest when none is named."""
    if form == "inspect" and (output is None or output.suffix != ".eval"):
        raise click.UsageError("a log of Inspect's is no text: name a file that ends in .eval with -o")
    async with memory(app) as graph:
        newest = [] if cycle else await graph.cycles.newest(limit=1)
        if cycle is None and not newest:
            raise NotFound("report: there is no cycle yet; run `tinman research`")
        result = await load_result(graph, cycle or newest[0].id)
    if form == "inspect" and output is not None:
        with report_unwritable(f"report: {output}"):
            write_bytes(output, inspect_log(result, secret_values()), mode=0o600)
        app.say(f"Wrote {output}; look at it: inspect view --log-dir {output.parent}")
        return
    text = to_json(document(result), indent=2) if form == "json" or app.as_json else markdown_report(result)
    if output is None:
        app.text(text)
        return
    await write(output, text, "report")
    app.say(f"Wrote {output}")


async def write(path: Path, text: str, command: str) -> None:
    """Write a file for ``command``, for its owner alone to read. Raises ``StoreError``."""
    try:
        place = await anyio.Path(path).resolve()
        if await place.exists() and not await place.is_file():  # a pipe or a terminal
            await place.write_text(text + "\n", encoding="utf-8")
        else:
            write_text(Path(place), text + "\n", mode=0o600)
    except OSError as error:
        raise StoreError(f"{command}: cannot write {path}: {error.strerror}; choose another place") from error
