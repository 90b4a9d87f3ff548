"""An append-only chain in which every line carries the hash of the one before it.

A decision counts only with its line here, written in the transaction that stores it; ``decided`` reads it back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from sqlalchemy import Connection, Row, insert, select
from sqlalchemy.exc import DBAPIError

from tinman import clock
from tinman.audit import anchor
from tinman.audit.anchor import Anchor
from tinman.db.engine import Database, afterwards
from tinman.db.tables import AuditRow, Unreadable
from tinman.errors import Unproven
from tinman.frozen import digest, frozen

FIRST = "0" * 16
_COLUMNS = tuple(AuditRow.__table__.columns)


@frozen
class Line:
    """One line: who, what, with which values."""

    seq: int
    at: datetime
    actor: str
    what: str
    data: dict[str, Any]
    hash: str


@frozen
class Head:
    """How long the chain is, and its last hash: what an anchor and every report remember of it."""

    length: int = 0
    head: str = FIRST


@frozen
class Chain:
    """The lines up to the first that does not fit, and what is wrong with that one; empty when the chain is whole."""

    lines: tuple[Line, ...] = ()
    fault: str = ""

    @property
    def head(self) -> str:
        """The hash of the last line."""
        return self.lines[-1].hash if self.lines else FIRST

    def last(self, about: str, name: str) -> Line | None:
        """Return the newest line whose data says ``name`` under ``about``."""
        return next((line for line in reversed(self.lines) if line.data.get(about) == name), None)

    def wrongs(self, held: Anchor | Head | None) -> list[str]:
        """Return what is wrong with the chain by itself, and with it as an anchor remembers it."""
        found = [f"audit: {self.fault}"] if self.fault else []
        if held is None or self.fault:
            return found
        if held.length > len(self.lines):
            cut = f"{held.length - len(self.lines)} of the {held.length} lines that were anchored are gone"
            return [f"audit: the chain was emptied: {cut}" if not self.lines else f"audit: the tail was cut: {cut}"]
        if held.length and self.lines[held.length - 1].hash != held.head:
            return [f"audit: line {held.length} is not the one that was anchored: the chain was written anew"]
        return []


def extend(connection: Connection, actor: str, what: str, data: Mapping[str, Any]) -> None:
    """Add a line inside the caller's transaction; once that is committed, it is anchored.

    ``data`` is JSON and holds no secrets.
    """
    newest = select(AuditRow.seq, AuditRow.hash).order_by(AuditRow.seq.desc()).limit(1)
    last = connection.execute(newest).first()
    seq, before = (last.seq + 1, last.hash) if last else (1, FIRST)
    now, told = clock.now(), dict(data)
    line = digest([seq, now.isoformat(), actor, what, told, before])
    row = {"seq": seq, "at": now, "actor": actor, "what": what, "data": told}
    connection.execute(insert(AuditRow), [{**row, "previous_hash": before, "hash": line}])
    if place := database_file(connection):
        afterwards(connection, partial(_anchored, place, seq))


def _anchored(place: Path, seq: int, connection: Connection) -> None:
    """Move the anchor on to the chain's head. ``connection`` holds the write lock, so that no other process does."""
    newest = select(AuditRow.seq, AuditRow.hash).order_by(AuditRow.seq.desc()).limit(1)
    last = connection.execute(newest).one()
    held = anchor.load(place)
    if held is not None:
        there = connection.scalar(select(AuditRow.hash).where(AuditRow.seq == held.length))
        if held.length > last.seq or (held.length and there != held.head):
            anchor.warn(place)  # what does not fit is left as it is, for whoever checks
            return
    anchor.save(place, anchor.moved_on(held, seq, length=last.seq, head=last.hash))


def database_file(connection: Connection) -> Path | None:
    """Return the SQLite file beneath ``connection``, ``None`` for a database on a server."""
    if connection.dialect.name != "sqlite":
        return None
    named = connection.engine.url.database or ""
    return Path(unquote(named.removeprefix("file:").partition("?")[0]) if named.startswith("file:") else named)


def read(connection: Connection) -> Chain:
    """Return the chain as far as it fits. Lines that cannot even be read are faults, no errors."""
    try:
        rows: Iterable[Row[Any]] = connection.execute(select(*_COLUMNS).order_by(AuditRow.seq)).all()
    except (Unreadable, DBAPIError):
        rows = _one_by_one(connection)
    lines: list[Line] = []
    before = FIRST
    for expected, row in enumerate(rows, start=1):
        try:
            line = digest([row.seq, row.at.isoformat(), row.actor, row.what, row.data, before])
        except AttributeError:
            line = ""
        if row.seq != expected or row.previous_hash != before or row.hash != line or not isinstance(row.data, dict):
            gone = expected if row.seq != expected else 0
            told = f"line {gone} is gone" if gone else f"line {row.seq} does not fit its hash"
            return Chain(lines=tuple(lines), fault=told)
        before = row.hash
        lines.append(Line(seq=row.seq, at=row.at, actor=row.actor, what=row.what, data=row.data, hash=row.hash))
    unread = 0 if isinstance(rows, list) else len(lines) + 1
    count = connection.scalar(select(AuditRow.seq).order_by(AuditRow.seq.desc()).limit(1)) or 0
    return Chain(lines=tuple(lines), fault=f"line {unread} cannot be read" if unread and count >= unread else "")


def _one_by_one(connection: Connection) -> Iterable[Row[Any]]:
    """Yield the rows up to the first that cannot be read."""
    for seq in connection.scalars(select(AuditRow.seq).order_by(AuditRow.seq)).all():
        try:
            row = connection.execute(select(*_COLUMNS).where(AuditRow.seq == seq)).one()
        except (Unreadable, DBAPIError):
            return
        yield row


def trusted(connection: Connection) -> Chain:
    """Return the chain that decisions are held to.

    Raises ``Unproven`` when it was altered, or is not the one that was anchored. Under a key of ours in the environment
    the lines without a signed anchor do not count either.
    """
    place = database_file(connection)
    held = anchor.load(place) if place else None  # before the chain, which others may lengthen meanwhile
    chain = read(connection)
    if wrong := chain.wrongs(held):
        raise Unproven(f"database {place}: {wrong[0]}; nothing is taken as approved: see `tinman db check`")
    if place and anchor.is_signing():
        length = held.length if held else 0
        kept = tuple(line for line in chain.lines[:length] if held and held.covers(line.seq))
        return Chain(lines=kept)
    return chain


class AuditLog:
    """Appends to and verifies the chain of one database. Several processes may append at once."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def append(self, actor: str, what: str, data: dict[str, Any]) -> None:
        """Add one line: who, what, with which values. ``data`` is JSON and holds no secrets."""
        await self._db.write(lambda connection: extend(connection, actor, what, data))

    async def head(self) -> Head:
        """Return how long the chain is now, and its last hash."""
        newest = select(AuditRow.seq, AuditRow.hash).order_by(AuditRow.seq.desc()).limit(1)
        async with self._db.read() as connection:
            row = (await connection.execute(newest)).first()
        return Head(length=row.seq, head=row.hash) if row else Head()

    async def chain(self) -> Chain:
        """Return the chain as far as it fits."""
        async with self._db.read() as connection:
            return await connection.run_sync(read)

    async def trusted(self) -> Chain:
        """Return the chain that decisions are held to; raises ``Unproven``."""
        async with self._db.read() as connection:
            return await connection.run_sync(trusted)

    async def broken_at(self) -> int | None:
        """Return the number of the first line that does not fit its hash, or ``None`` when the chain is whole."""
        chain = await self.chain()
        return len(chain.lines) + 1 if chain.fault else None
