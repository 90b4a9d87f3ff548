"""The cycles and loops that were started here, and where they stand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, delete, exists, insert, null, select, update

from tinman import clock
from tinman.config.modes import Mode
from tinman.db.engine import Database
from tinman.db.tables import BudgetBlockRow, CycleRow, JournalRow
from tinman.errors import NotFound, StoreCorrupt
from tinman.frozen import dump
from tinman.memory.nodes import Cycle, CycleKind, CycleStatus, to_json
from tinman.records import Ending, Spent
from tinman.text.invalid import read_as
from tinman.text.nearest import did_you_mean

_COLUMNS = tuple(CycleRow.__table__.columns)


class Cycles:
    """The table of cycles; a loop that runs by itself is one of kind ``loop``."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def create(
        self,
        *,
        mode: Mode,
        target: str,
        reasoner: str,
        seed: int,
        config: Mapping[str, Any],
        cycle_id: str | None = None,
        kind: CycleKind = "cycle",
    ) -> Cycle:
        """Store a new running cycle; without ``cycle_id`` it gets the next of ``cyc-0001``, ``cyc-0002``, ..."""
        row = {
            "mode": str(mode),
            "kind": kind,
            "target": target,
            "reasoner": reasoner,
            "seed": seed,
            "config": to_json(dict(config)),
            "status": "running",
            "created_at": clock.now(),
        }

        def add(connection: Connection) -> Cycle:
            name = cycle_id or _next_id(connection)
            stored = connection.execute(insert(CycleRow).values(**row, id=name).returning(*_COLUMNS))
            return cycle_of(stored.mappings().one())

        return await self._db.write(add)

    async def find(self, cycle_id: str) -> Cycle | None:
        """Return the cycle or loop of this id, ``None`` when there is none."""
        async with self._db.read() as connection:
            found = await connection.execute(select(*_COLUMNS).where(CycleRow.id == cycle_id))
            row = found.mappings().one_or_none()
        return None if row is None else cycle_of(row)

    async def get(self, cycle_id: str) -> Cycle:
        """Return a cycle; raises ``NotFound`` naming the nearest ones."""
        cycle = await self.find(cycle_id)
        if cycle is None:
            async with self._db.read() as connection:
                known = list(await connection.scalars(select(CycleRow.id)))
            hint = did_you_mean(cycle_id, known, "`tinman cycles list` lists them")
            raise NotFound(f"cycle {cycle_id}: there is none; {hint}")
        return cycle

    async def newest(
        self, kind: CycleKind = "cycle", *, status: CycleStatus | None = None, limit: int | None = None
    ) -> list[Cycle]:
        """Return research cycles, or the loops that run by themselves; newest first."""
        query: Select[Any] = select(*_COLUMNS).where(CycleRow.kind == kind)
        if status is not None:
            query = query.where(CycleRow.status == status)
        async with self._db.read() as connection:
            rows = await connection.execute(query.order_by(CycleRow.created_at.desc(), CycleRow.id.desc()).limit(limit))
            return [cycle_of(row) for row in rows.mappings()]

    async def update(
        self,
        cycle_id: str,
        *,
        status: CycleStatus | None = None,
        phase: str | None = None,
        ending: Ending | None = None,
        spent: Spent | None = None,
        guard: Callable[[Connection], None] | None = None,
    ) -> Cycle:
        """Change what is given and return the cycle; raises ``NotFound``.

        With an ``ending`` goes the time; ``status="running"`` takes both away. What ``guard`` raises, called first in
        the same transaction, keeps everything as it was.
        """
        changes: dict[str, Any] = {"ending": null(), "ended_at": None} if status == "running" else {}
        changes |= {name: value for name, value in (("status", status), ("phase", phase)) if value is not None}
        if ending is not None:
            changes |= {"ending": to_json(dump(ending)), "ended_at": clock.now()}
        if spent is not None:
            changes["spent"] = to_json(dump(spent))
        if changes:
            changed = update(CycleRow).where(CycleRow.id == cycle_id).values(changes)

            def write(connection: Connection) -> None:
                if guard is not None:
                    guard(connection)
                connection.execute(changed)

            await self._db.write(write)
        return await self.get(cycle_id)

    async def forget(self, cycle_id: str) -> None:
        """Remove a cycle that has begun nothing, with what its first calls cost. One that stored a step is kept."""
        begun = exists(select(JournalRow.key).where(JournalRow.cycle_id == cycle_id))
        unbegun = delete(CycleRow).where(CycleRow.id == cycle_id, CycleRow.owner.is_(None), ~begun)

        def remove(connection: Connection) -> None:
            if connection.execute(unbegun).rowcount:
                connection.execute(delete(BudgetBlockRow).where(BudgetBlockRow.cycle_id == cycle_id))

        await self._db.write(remove)

    async def set_options(
        self, cycle_id: str, options: Mapping[str, Any], *, guard: Callable[[Connection], None]
    ) -> None:
        """Store what a cycle is asked for from now on, as data; nothing is written when it is the same.

        ``guard`` is that of ``update``. Raises ``NotFound``.
        """
        cycle = await self.get(cycle_id)
        config = to_json({**cycle.config, "options": options})
        if config != to_json(cycle.config):
            changed = update(CycleRow).where(CycleRow.id == cycle_id).values(config=config)

            def write(connection: Connection) -> None:
                guard(connection)
                connection.execute(changed)

            await self._db.write(write)


def cycle_of(row: RowMapping) -> Cycle:
    """Return the cycle in a row. Raises ``StoreCorrupt``."""
    return read_as(Cycle, dict(row), lambda w: StoreCorrupt(f"database: table cycles, row {row['id']}: {w}"))


def _next_id(connection: Connection) -> str:
    ids = connection.scalars(select(CycleRow.id).where(CycleRow.id.like("cyc-%")))
    numbers = [int(each[4:]) for each in ids if each[4:].isdecimal()]
    return f"cyc-{max(numbers, default=0) + 1:04d}"
