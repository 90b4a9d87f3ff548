"""A SQLite file: checked before it is opened, and peeked into without SQLAlchemy, which takes long to load."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tinman.errors import StoreCorrupt, StoreError

SCHEMA_VERSION = "0004"
"""The newest migration; a database that says so is opened without loading alembic."""
FOLDER = ".tinman"
"""Where a project keeps what it stores, unless it is told otherwise."""
_OURS = frozenset({"project", "cycles", "nodes", "edges", "journal", "budget_blocks", "approvals", "audit"})
_BUSY_SECONDS = 30.0
_MAGIC = b"SQLite format 3\x00"


def as_text(moment: datetime) -> str:
    """Return a moment as SQLite keeps it."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def check_file(path: Path, *, create: bool) -> None:
    """Look at what is there without changing it: whether it is a whole SQLite file, and ours. A new one is made, empty
    and for its owner alone, in a folder for its owner alone where that is missing, too."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):  # opening a pipe would wait for somebody to write into it
            raise StoreError(f"database {path}: not a regular file; name another, or check the folder")
        with path.open("rb") as file:
            header = file.read(100)
        log = Path(f"{path}-wal")
        has_log = log.exists() and log.stat().st_size > 0
    except FileNotFoundError as error:
        if not create:
            raise StoreError(f"database {path}: there is none; start a cycle, or name the right file") from error
        _make(path)
        return
    except OSError as error:
        raise StoreError(f"database {path}: {error.strerror or error}; check the folder") from error
    size = found.st_size
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
    _check_ours(path)


def _make(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        keep_out_of_git(path.parent)
        os.close(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        )  # what SQLite adds takes its permissions
    except PermissionError as error:
        raise StoreError(f"database {path}: cannot be opened for writing; check the folder's permissions") from error
    except OSError as error:
        raise StoreError(f"database {path}: {error.strerror or error}; check the folder") from error


def is_writable(path: Path) -> bool:
    """Say whether a file can be written, and what SQLite keeps beside it."""
    return os.access(path, os.W_OK) and os.access(path.absolute().parent, os.W_OK)


def reading_uri(path: Path) -> str:
    """Return the address under which SQLite reads a file and never writes, beside it neither."""
    is_alone = not Path(f"{path}-wal").exists()
    return f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if is_alone else ''}"


def _check_ours(path: Path) -> None:
    """Raise ``StoreError`` for another program's database, before anything is opened that could change it."""
    try:
        with closing(sqlite3.connect(reading_uri(path), uri=True, timeout=_BUSY_SECONDS)) as connection:
            names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise StoreError(f"database {path}: cannot be read ({error}); check its permissions") from error
        raise StoreCorrupt(
            f"database {path}: damaged ({error}); it was left as it is; restore a copy or name another"
        ) from error
    tables = {str(name) for (name,) in names}
    known = len(tables & _OURS)
    if tables and known < len(_OURS) / 2:
        raise StoreError(f"database {path}: holds another program's tables; name another file")
    if tables and "alembic_version" not in tables:
        raise StoreCorrupt(f"database {path}: table alembic_version: is missing; it was left as it is; restore a copy")


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
