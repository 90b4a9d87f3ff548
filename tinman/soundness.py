"""Whether a database can be trusted: every row of it, the audit chain, and what the one says of the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from sqlalchemy import Connection, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from tinman.approvals import queue
from tinman.audit import Head, anchor, chain
from tinman.db import damage
from tinman.db.engine import Database
from tinman.db.tables import ApprovalRow, CycleRow, JournalRow, NodeRow, ProjectRow
from tinman.deployments import why_unproven as why_deployment
from tinman.errors import StoreCorrupt
from tinman.frozen import frozen
from tinman.memory import rows
from tinman.memory.cycles import cycle_of
from tinman.promotion import KEY
from tinman.promotion import why_unproven as why_promotion

_AT_ONCE = 500


@frozen
class Soundness:
    """``problems`` say what is wrong, a line each; ``notes`` what is only worth knowing."""

    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    audit: Head = Head()


async def check(db: Database, *, against: Sequence[Head] = ()) -> Soundness:
    """Read everything and compare what is decided with what was written down. Nothing is changed.

    ``against`` are heads of the audit chain that reports remember.
    """
    place = Path(db.place) if db.is_sqlite else None
    held, unfit = anchor.look(place) if place else (None, "")  # before the chain, which others may lengthen meanwhile
    problems = [unfit] if unfit else []
    try:
        await db.check()
    except StoreCorrupt as error:
        problems.append(str(error))
    async with db.read() as connection:
        lacking = await connection.run_sync(damage.missing) if db.is_sqlite else []
        problems += lacking
        if lacking:  # what is there cannot be compared with what is not
            return Soundness(problems=tuple(problems))
        problems += await connection.run_sync(lambda sync: list(damage.damaged(sync))) if db.is_sqlite else []
        known = await connection.run_sync(chain.read)
        problems += known.wrongs(held)
        for each in against:
            problems += known.wrongs(each)
        problems += await connection.run_sync(lambda sync: list(_compared(sync, known)))
        problems += await _unsound_nodes(connection, known)
    notes = held.notes(len(known.lines)) if held else [f"audit: no line of {len(known.lines)} is anchored"]
    return Soundness(
        problems=tuple(dict.fromkeys(problems)),
        notes=tuple(notes if held or known.lines else ()),
        audit=Head(length=len(known.lines), head=known.head),
    )


def _compared(connection: Connection, known: chain.Chain) -> Iterator[str]:
    """Yield what is wrong with the edges, cycles, steps, approvals and the project's mode."""
    if connection.dialect.name == "sqlite":
        for table, _, parent, _ in connection.execute(text("PRAGMA foreign_key_check")).all():
            yield f"table {table}: a row names one of {parent} that is not there"
    for cycle_id in connection.scalars(select(CycleRow.id)).all():
        try:
            cycle_of(
                connection.execute(select(*CycleRow.__table__.columns).where(CycleRow.id == cycle_id)).mappings().one()
            )
        except (StoreCorrupt, ValueError) as error:
            yield _told(error, f"table cycles, row {cycle_id}")
    steps = select(JournalRow.cycle_id, JournalRow.key)
    for step in connection.execute(steps.where(JournalRow.state.not_in(("done", "intended")))):
        yield f"table journal, row {step.cycle_id} {step.key}: it is no step"
    asked = set[str]()
    for approval_id in connection.scalars(select(ApprovalRow.id)).all():
        asked.add(approval_id)
        columns = select(*ApprovalRow.__table__.columns).where(ApprovalRow.id == approval_id)
        try:
            if wrong := queue.why_unproven(known, queue.approval_of(connection.execute(columns).one())):
                yield wrong
        except (StoreCorrupt, ValueError) as error:
            yield _told(error, f"table approvals, row {approval_id}")
    answered = {str(line.data["approval"]) for line in known.lines if "approval" in line.data}
    yield from (
        f"approval {name}: the audit chain tells of it, and its row is gone" for name in sorted(answered - asked)
    )
    try:
        if wrong := why_promotion(known, connection.scalar(select(ProjectRow.value).where(ProjectRow.key == KEY))):
            yield wrong
    except StoreCorrupt as error:
        yield _told(error, "table project")


async def _unsound_nodes(connection: AsyncConnection, known: chain.Chain) -> list[str]:
    """Return what is wrong with nodes: those that hold no record of their kind, and deployments nobody approved."""
    found: list[str] = []
    deployed = set[str]()
    ids = list(await connection.scalars(select(NodeRow.id).order_by(NodeRow.id)))
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        try:
            nodes = await rows.read(connection, [select(*rows.COLUMNS).where(NodeRow.id.in_(some))])
        except (StoreCorrupt, ValueError):
            nodes = []
            for node_id in some:
                try:
                    nodes += await rows.read(connection, [select(*rows.COLUMNS).where(NodeRow.id == node_id)])
                except (StoreCorrupt, ValueError) as error:
                    found.append(_told(error, f"table nodes, row {node_id}"))
        for node in nodes:
            if node.kind == "deployment":
                deployed.add(node.id)
                found += filter(None, [why_deployment(known, node)])
    installed = {str(line.data["deployment"]) for line in known.lines if "deployment" in line.data}
    gone = sorted(installed - deployed - set(ids))
    return [*found, *(f"deployment {name}: the audit chain tells of it, and its row is gone" for name in gone)]


def _told(error: Exception, place: str) -> str:
    told = str(error).removeprefix("database: ")
    return told if told.startswith("table ") else f"{place}: {told}"
