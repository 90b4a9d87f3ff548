"""Statements that are run so often that they are compiled once."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from operator import itemgetter
from typing import Any, cast

from sqlalchemy import Connection, Insert, Update
from sqlalchemy.dialects import postgresql, sqlite

from tinman.db.file import as_text
from tinman.db.tables import Base

_SQLITE = sqlite.dialect(paramstyle="qmark")


def insert_new(table: type[Base], dialect: str) -> sqlite.Insert | postgresql.Insert:
    """Return an insert into ``table`` that leaves rows alone that are already there, by their primary key."""
    insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
    keys = [column.name for column in table.__table__.primary_key]
    return insert(table).on_conflict_do_nothing(index_elements=keys)


def moment(connection: Connection, at: datetime) -> datetime | str:
    """Return ``at`` as rows for a ``Prepared`` statement hold it."""
    return as_text(at) if connection.dialect.name == "sqlite" else at


def driver_of(connection: Connection) -> sqlite3.Connection:
    """Return SQLite's own connection beneath SQLAlchemy's; what is run on it is part of the same transaction."""
    driver: Any = connection.connection.driver_connection
    return cast(sqlite3.Connection, driver)


class Prepared:
    """One statement for rows of plain values: JSON as text, times as ``moment`` gives them.

    On SQLite its text goes straight to the driver: SQLAlchemy's own work at each execution costs several times what a
    step's few rows cost to write.
    """

    def __init__(self, statement: Insert | Update, *columns: str, on_postgres: Insert | None = None) -> None:
        self._statement = statement
        self._on_postgres = statement if on_postgres is None else on_postgres
        self._columns = columns or None

    @cached_property
    def _compiled(self) -> tuple[str, Callable[[Mapping[str, object]], Any]]:
        """Its text, and what takes its parameters out of a row in their order."""
        compiled: Any = self._statement.compile(dialect=_SQLITE, column_keys=self._columns)
        return str(compiled), itemgetter(*compiled.positiontup)

    def run(self, connection: Connection, rows: Sequence[Mapping[str, object]]) -> int:
        """Run it for each of ``rows``; return how many rows of the table it wrote (of a single one, on Postgres)."""
        if not rows:
            return 0
        if connection.dialect.name != "sqlite":
            return connection.execute(self._on_postgres, rows).rowcount
        statement, parameters = self._compiled
        written: int = driver_of(connection).executemany(statement, [parameters(row) for row in rows]).rowcount
        return written
