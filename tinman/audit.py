"""The audit trail: an append-only chain in which every line carries the hash of the one before it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, insert, select

from tinman import clock
from tinman.db.engine import Database
from tinman.db.tables import AuditRow
from tinman.frozen import digest

_FIRST = "0" * 16


class AuditLog:
    """Appends to and verifies the chain. Several processes may append at once."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def append(self, actor: str, what: str, data: dict[str, Any]) -> None:
        """Add one line: who, what, with which values. ``data`` is JSON and holds no secrets."""
        now = clock.now()

        def extend(connection: Connection) -> None:
            newest = select(AuditRow.seq, AuditRow.hash).order_by(AuditRow.seq.desc()).limit(1)
            last = connection.execute(newest).first()
            seq, before = (last.seq + 1, last.hash) if last else (1, _FIRST)
            line = digest([seq, now.isoformat(), actor, what, data, before])
            row = {"seq": seq, "at": now, "actor": actor, "what": what, "data": data}
            connection.execute(insert(AuditRow), [{**row, "previous_hash": before, "hash": line}])

        await self._db.write(extend)

    async def broken_at(self) -> int | None:
        """Return the number of the first line that does not fit its hash, or ``None`` when the chain is whole."""
        columns = (
            AuditRow.seq,
            AuditRow.at,
            AuditRow.actor,
            AuditRow.what,
            AuditRow.data,
            AuditRow.previous_hash,
            AuditRow.hash,
        )
        async with self._db.read() as connection:
            rows = (await connection.execute(select(*columns).order_by(AuditRow.seq))).all()
        before = _FIRST
        for expected, row in enumerate(rows, start=1):
            line = digest([row.seq, row.at.isoformat(), row.actor, row.what, row.data, before])
            if row.seq != expected or row.previous_hash != before or row.hash != line:
                return int(row.seq)
            before = row.hash
        return None
