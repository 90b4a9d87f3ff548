"""``tinman db`` and ``promote``: the project's database looked after, and its mode raised."""

from __future__ import annotations

import anyio
import click

from tinman import promotion
from tinman.audit import AuditLog
from tinman.cli.app import UNVERIFIED, App
from tinman.cli.store import memory
from tinman.errors import ApprovalDenied, StoreCorrupt


async def upgrade(app: App) -> None:
    """Bring the schema up to date."""
    async with memory(app, create=True) as graph:
        version = await graph.db.schema_version()
    place = graph.db.place
    app.answer(
        {"schema": "tinman.db-upgrade/1", "database": place, "version": version}, said=f"{place}: schema {version}"
    )


async def check(app: App) -> None:
    """Read the whole database and the audit chain. Raises ``StoreCorrupt`` when either is damaged."""
    async with memory(app) as graph:
        place = graph.db.place
        await graph.db.check()
        broken = await AuditLog(graph.db).broken_at()
        if broken is not None:
            raise StoreCorrupt(f"database {place}: the audit trail does not fit its hashes at line {broken}")
        version = await graph.db.schema_version()
    app.answer(
        {"schema": "tinman.db-check/1", "database": place, "sound": True, "version": version},
        f"{place}: sound, schema {version}",
    )


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
    if not yes and not (app.may_ask and click.confirm(f"Take this project to {mode}?", err=True)):
        raise ApprovalDenied(f"promotion to {mode}", "nobody said yes; use --yes")
    anyio.run(_promote, app, mode)
    app.answer({"schema": "tinman.promotion-of-project/1", "mode": mode}, said=f"This project is now in {mode}.")


async def _promote(app: App, mode: str) -> None:
    async with memory(app, create=True) as graph:
        await promotion.promote(graph, mode, by=UNVERIFIED)
