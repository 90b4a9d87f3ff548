"""``tinman db`` and ``promote``: the project's database looked after, and its mode raised."""

from __future__ import annotations

import sys
from pathlib import Path

import anyio
import click

from tinman import promotion, soundness
from tinman.audit import Head
from tinman.cli.app import UNVERIFIED, App, Exit
from tinman.cli.store import memory
from tinman.errors import ApprovalDenied, ConfigError
from tinman.frozen import dump
from tinman.text.invalid import read_as
from tinman.text.reading import read_json
from tinman.text.visible import visible


async def upgrade(app: App) -> None:
    """Bring the schema up to date."""
    async with memory(app, create=True) as graph:
        version = await graph.db.schema_version()
    place = graph.db.place
    app.answer(
        {"schema": "tinman.db-upgrade/1", "database": place, "version": version}, said=f"{place}: schema {version}"
    )


async def check(app: App, against: tuple[Path, ...]) -> int:
    """Read the whole database, hold it to the audit chain and that to its anchor, and to what the files ``against``
    remember of it; return 2 when anything is wrong. Raises ``ConfigError`` for a file that remembers nothing."""
    heads = [_head_in(file) for file in against]
    async with memory(app) as graph:
        place = graph.db.place
        found = await soundness.check(graph.db, against=heads)
        version = await graph.db.schema_version()
    problems, notes = (
        [visible(line, keep_newlines=False) for line in lines] for lines in (found.problems, found.notes)
    )
    app.answer(
        {
            "schema": "tinman.db-check/1",
            "database": place,
            "sound": not problems,
            "version": version,
            "problems": problems,
            "notes": notes,
            "audit": dump(found.audit),
        },
        f"{place}: {'not sound' if problems else 'sound'}, schema {version}, audit chain of {found.audit.length} lines",
        *(f"  wrong: {visible(line, keep_newlines=False)}" for line in problems),
        *(f"  note: {visible(line, keep_newlines=False)}" for line in notes),
    )
    return Exit.USAGE if problems else Exit.DONE


def _head_in(file: Path) -> Head:
    """Return what a report in JSON, or a copy of an anchor, remembers of the audit chain."""
    try:
        told = read_json(file.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigError(f"--against {file}: cannot be read as JSON; name a report or a copy of an anchor") from error
    told = told.get("audit", told) if isinstance(told, dict) else {}
    head = {name: told[name] for name in ("length", "head") if isinstance(told, dict) and name in told}
    if len(head) != 2:
        raise ConfigError(f"--against {file}: remembers nothing of the audit chain; name a report of `tinman report`")
    return read_as(Head, head, lambda wrong: ConfigError(f"--against {file}: {wrong}"))


async def vacuum(app: App) -> None:
    """Write the database anew without the room that is no longer used."""
    async with memory(app) as graph:
        before, after = await graph.db.vacuum()
    place = graph.db.place
    app.answer(
        {"schema": "tinman.db-vacuum/1", "database": place, "bytes_before": before, "bytes_after": after},
        f"{place}: {before:,} bytes before, {after:,} now",
    )


def promote(app: App, mode: str, yes: bool) -> None:
    """Take the project one mode up or down, on a person's word. Raises ``ApprovalDenied``, ``ModeRefused``."""
    if not yes and not (app.may_ask and sys.stdin.isatty()):
        raise click.UsageError(f"promotion to {mode} needs --yes where nobody can answer")
    if not yes and not click.confirm(f"Take this project to {mode}?", err=True):
        raise ApprovalDenied(f"promotion to {mode}", "nobody said yes; use --yes")
    anyio.run(_promote, app, mode)
    app.answer({"schema": "tinman.promotion-of-project/1", "mode": mode}, said=f"This project is now in {mode}.")


async def _promote(app: App, mode: str) -> None:
    async with memory(app, create=True) as graph:
        await promotion.promote(graph, mode, by=UNVERIFIED)
