"""A SQLite file: checked before it is opened, and peeked into without SQLAlchemy, which takes long to load."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tinman.errors import StoreCorrupt, StoreError

SCHEMA_VERSION = "0003"
"""The newest migration; a database that says so is opened without loading alembic."""
FOLDER = ".tinman"
"""Where a project keeps what it stores, unless it is told otherwise."""
_MAGIC = b"SQLite format 3\x00"


def as_text(moment: datetime) -> str:
    """Return a moment as SQLite keeps it."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def check_file(path: Path, *, create: bool) -> None:
    """Look at the file's first bytes and length, in constant time; make its folder when it is new."""
    try:
        if not path.exists():
            if not create:
                raise StoreError(f"database {path}: there is none; start a cycle, or name the right file")
            path.parent.mkdir(parents=True, exist_ok=True)
            keep_out_of_git(path.parent)
            return
        with path.open("rb") as file:
            header = file.read(100)
        size = path.stat().st_size
        log = Path(f"{path}-wal")
        has_log = log.exists() and log.stat().st_size > 0
    except OSError as error:
        raise StoreError(f"database {path}: {error.strerror or error}; check the folder") from error
    if size == 0:
        return
    if header[:16] != _MAGIC:
        raise StoreCorrupt(f"database {path}: not a SQLite database; it was left as it is; name another file")
    page_size = int.from_bytes(header[16:18], "big")
    pages = int.from_bytes(header[28:32], "big")
    expected = (65536 if page_size == 1 else page_size) * pages
    if size < expected and not has_log:  # with a log, the missing pages may still be in it
        raise StoreCorrupt(
            f"database {path}: cut off at {size} of {expected} bytes; it was left as it is; restore a copy"
        )


def keep_out_of_git(folder: Path) -> None:
    """Tell git to leave ``.tinman`` alone; a folder of the user's own naming is the user's own affair."""
    mark = folder / ".gitignore"
    if folder.name == FOLDER and not mark.exists():
        mark.write_text("*\n", encoding="utf-8")


def peek(path: Path, query: str, parameters: Sequence[object]) -> list[Any] | None:
    """Return what ``query`` reads, ``None`` when the file has to be opened properly first: it is behind, or in some way
    odd. Nothing is written. Raises ``StoreError`` like ``check_file``."""
    check_file(path, create=False)
    try:
        # Not mode=ro: who may not write leaves the log's files behind.
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True)
        try:
            connection.execute("PRAGMA query_only = ON")
            (version,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            return connection.execute(query, parameters).fetchall() if version == SCHEMA_VERSION else None
        finally:
            connection.close()
    except (sqlite3.Error, TypeError):
        return None
