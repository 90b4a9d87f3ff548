"""Which row cannot be read: looked for when something could not, and by ``tinman db check``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Connection, Table, Text, literal_column, select, text

from tinman.db.tables import Base, Moment

_AT_ONCE = 1_000


def damaged(connection: Connection) -> Iterator[str]:
    """Yield each row of a SQLite database with a value that is not what its column holds, as ``table, row: what``.

    Reads every row of every table there is, as the file has it.
    """
    names = set(connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'table'")))
    for table in Base.metadata.sorted_tables:
        if table.name in names:
            have = {row[1] for row in connection.exec_driver_sql(f'PRAGMA table_info("{table.name}")')}
            columns = [column for column in table.columns if column.name in have]
            yield from _damaged_rows(connection, table, columns)


def missing(connection: Connection) -> list[str]:
    """Return what the schema has and a SQLite database lacks, in words."""
    names = set(connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'table'")))
    found: list[str] = []
    for table in Base.metadata.sorted_tables:
        if table.name not in names:
            found.append(f"table {table.name}: is missing")
            continue
        have = {row[1] for row in connection.exec_driver_sql(f'PRAGMA table_info("{table.name}")')}
        found += [f"table {table.name}: column {c.name} is missing" for c in table.columns if c.name not in have]
    return found


def _damaged_rows(connection: Connection, table: Table, columns: list[Column[Any]]) -> Iterator[str]:
    raw = [literal_column(f'CAST("{column.name}" AS BLOB)', Text).label(column.name) for column in columns]
    kinds = [literal_column(f'typeof("{column.name}")', Text).label(f"{column.name}_kind") for column in columns]
    for row in connection.execute(select(*raw, *kinds).select_from(table)).yield_per(_AT_ONCE):
        for place, column in enumerate(columns):
            wrong = _wrong(column, row[place], str(row[place + len(columns)]))
            if wrong:
                keys = [row[i] for i, each in enumerate(columns) if each.primary_key]
                named = " ".join(_spelled(key) for key in keys)
                yield f"table {table.name}, row {named}: {column.name} {wrong}"


def _spelled(raw: Any) -> str:
    return raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)


def _wrong(column: Column[Any], raw: Any, kind: str) -> str:
    """Return what is wrong with a value as the file has it, empty when it is what its column holds."""
    if raw is None:
        return "" if column.nullable else "is empty"
    if isinstance(column.type, BigInteger):
        return "" if kind == "integer" else "is no number"
    try:
        told = raw.decode("utf-8") if isinstance(raw, bytes) else str(raw)
    except UnicodeDecodeError:
        return "is no text in UTF-8"
    try:
        if isinstance(column.type, JSON) and not isinstance(json.loads(told), dict | None if column.nullable else dict):
            return "is no JSON object"
        if isinstance(column.type, Moment) and datetime.fromisoformat(told).tzinfo is None:
            return "is no moment"
    except (ValueError, RecursionError):
        return "is not JSON" if isinstance(column.type, JSON) else "is no moment"
    return ""
