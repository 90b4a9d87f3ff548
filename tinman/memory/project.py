"""What the project as a whole remembers, by name."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, select, update

from tinman.db.engine import Database
from tinman.db.prepared import insert_new
from tinman.db.tables import ProjectRow


class Project:
    """A project's own few values, such as ``highest_mode``."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def recall(self, key: str) -> str | None:
        """Return what the project keeps under ``key``."""
        async with self._db.read() as connection:
            value: str | None = await connection.scalar(select(ProjectRow.value).where(ProjectRow.key == key))
            return value

    async def keep(self, key: str, value: str, *, then: Callable[[Connection], None] | None = None) -> None:
        """Keep ``value`` under ``key``, and do ``then`` in the same transaction."""

        def put(connection: Connection) -> None:
            connection.execute(insert_new(ProjectRow, connection.dialect.name), [{"key": key, "value": value}])
            connection.execute(update(ProjectRow).where(ProjectRow.key == key).values(value=value))
            if then is not None:
                then(connection)

        await self._db.write(put)
