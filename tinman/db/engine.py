"""Opens the database and hands out short transactions.

SQLite by default: write-ahead log, a busy timeout, foreign keys, and ``BEGIN IMMEDIATE`` for whatever writes, since the
driver's deferred default loses updates. Each transaction runs whole, shielded from cancellation.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import anyio
from sqlalchemy import Connection, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from tinman.db.tables import SCHEMA_VERSION, Base
from tinman.errors import ConfigError, StoreCorrupt, StoreError

BUSY_TIMEOUT_SECONDS = 30.0
POOL_SIZE = 5
PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON")
_MAGIC = b"SQLite format 3\x00"


class RowRefused(StoreError):
    """Raised when the database refuses a row itself (an edge to a node that is not there, a key used twice)."""


class Encoded(str):
    """JSON text that is written as it is."""

    __slots__ = ()


def _to_json(value: Any) -> str:
    return value if isinstance(value, Encoded) else json.dumps(value)


def _explained(error: DBAPIError | sqlite3.Error, place: str) -> StoreError:
    """Return the one-line error for what the driver said."""
    said = str(error.orig if isinstance(error, DBAPIError) else error)
    told = said.lower()
    if isinstance(error, IntegrityError | DataError | sqlite3.IntegrityError | sqlite3.DataError):
        return RowRefused(f"database {place}: row refused: {said}")
    if "not a database" in told or "malformed" in told or "disk image" in told:
        return StoreCorrupt(f"database {place}: damaged ({said}); it was left as it is; restore a copy or name another")
    if "full" in told:
        return StoreError(f"database {place}: the disk is full; free some space and resume")
    if "locked" in told or "busy" in told:
        return StoreError(
            f"database {place}: another process kept it locked for {BUSY_TIMEOUT_SECONDS:.0f} s; try again"
        )
    if "readonly" in told or "read-only" in told or "unable to open" in told:
        return StoreError(f"database {place}: cannot be opened for writing; check the folder's permissions")
    return StoreError(f"database {place}: {said}")


def _check_file(path: Path, *, create: bool) -> None:
    """Look at the file's first bytes and length, in constant time; make its folder when it is new."""
    try:
        if not path.exists():
            if not create:
                raise StoreError(f"database {path}: there is none; start a cycle, or name the right file")
            path.parent.mkdir(parents=True, exist_ok=True)
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


class _Connection(sqlite3.Connection):
    """Gives its lock back when closed: a statement that is still referenced keeps a closed connection half alive."""

    def close(self) -> None:
        """Roll back what is open, then close."""
        if self.in_transaction:
            self.rollback()
        super().close()


def _on_connect(connection: Any, _: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    try:
        for pragma in PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
    finally:
        cursor.close()


def _on_begin(connection: Connection) -> None:
    is_writing = connection.get_execution_options().get("tinman_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")


class Transaction:
    """``async with`` it for a connection inside one transaction, committed at the end or rolled back by an error.

    The body runs shielded from cancellation, so keep it short and make no network call in it. Errors of the driver
    leave as ``StoreError``.
    """

    def __init__(self, engine: AsyncEngine, lock: anyio.Lock | None, place: str) -> None:
        self._engine = engine
        self._lock = lock
        self._place = place
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> AsyncConnection:
        async with AsyncExitStack() as stack:
            stack.enter_context(anyio.CancelScope(shield=True))
            if self._lock is not None:
                await stack.enter_async_context(self._lock)
            try:
                connection = await stack.enter_async_context(self._engine.begin())
            except DBAPIError as error:
                raise _explained(error, self._place) from error
            self._stack = stack.pop_all()
            return connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._stack.__aexit__(kind, error, trace)
        except DBAPIError as at_commit:
            raise _explained(at_commit, self._place) from at_commit
        if isinstance(error, DBAPIError):
            raise _explained(error, self._place) from error


def insertion(table: type[Base], *columns: str) -> str:
    """Return the insert of ``columns`` into ``table``, for a ``Statement``."""
    values = ", ".join(f":{column}" for column in columns)
    return f"INSERT INTO {table.__tablename__} ({', '.join(columns)}) VALUES ({values})"


class Unchanged(StoreError):
    """Raised when a statement that has to change a row found none; nothing of its transaction was written."""


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL for SQLite, run for each of ``rows``; ``must_change`` makes it a condition of the whole transaction."""

    sql: str
    rows: Sequence[Mapping[str, object]]
    must_change: bool = False


class _OneHop:
    """A connection of its own for short writing transactions that are made in one go, in one hop to a thread.

    Through SQLAlchemy and aiosqlite every statement is a hop of its own, at five times the CPU.
    """

    def __init__(self, place: str) -> None:
        self._place = os.path.abspath(place)  # the working directory may be another one by the first write
        self._connection: sqlite3.Connection | None = None
        self.thread = ThreadPoolExecutor(1, "tinman-writes")
        self.is_closed = False

    def run(self, statements: Sequence[Statement]) -> None:
        """Run all or nothing. Called from one thread at a time."""
        connection = self._connection or self._open()
        connection.execute("BEGIN IMMEDIATE")
        try:
            for each in statements:
                done = connection.executemany(each.sql, each.rows)
                if each.must_change and done.rowcount == 0:
                    raise Unchanged(f"database {self._place}: no such row")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def vacuum(self) -> None:
        """Write the whole file anew, and the log into it."""
        connection = self._connection or self._open()
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._place,
            timeout=BUSY_TIMEOUT_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            factory=_Connection,
        )
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        self._connection = connection
        return connection

    async def close(self) -> None:
        """Wait for what is being written, close the connection, and end the thread."""
        if not self.is_closed:
            self.is_closed = True
            await asyncio.get_running_loop().run_in_executor(self.thread, self._close)
            self.thread.shutdown(wait=False)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Database:
    """An open database. Belongs to one event loop; many tasks may use it at once."""

    def __init__(self, engine: AsyncEngine, place: str, *, folder: tempfile.TemporaryDirectory[str] | None) -> None:
        self.place = place
        self._engine = engine
        self._writing_engine = engine.execution_options(tinman_writes=True)
        self._folder = folder
        self.is_sqlite = engine.dialect.name == "sqlite"
        self._one_hop = _OneHop(place)
        self._lock = anyio.Lock(fast_acquire=True) if self.is_sqlite else None

    @classmethod
    async def open(cls, url_or_path: str | Path, *, create: bool = True) -> Database:
        """Open a database, bringing its schema up to date first when it is behind.

        ``url_or_path`` is a path, a ``sqlite:///`` or ``postgresql://`` URL, or ``:memory:`` for one that vanishes when
        closed. A path's folder is made when it is missing. With ``create=False`` a missing file is a ``StoreError``.

        Raises ``StoreCorrupt`` for a damaged file or one that is no database, ``StoreTooNew`` for a newer schema,
        ``StoreError`` for a folder that cannot be written and for a foreign database (none of them is ever changed),
        ``ConfigError`` for a URL that cannot be understood or whose driver is not installed.
        """
        folder: tempfile.TemporaryDirectory[str] | None = None
        if url_or_path == ":memory:":
            folder = tempfile.TemporaryDirectory(prefix="tinman-")
            url_or_path = Path(folder.name) / "memory.db"
        if "://" in str(url_or_path):
            url = _parsed(str(url_or_path))
        else:
            url = URL.create("sqlite+aiosqlite", database=str(url_or_path))
        if url.get_backend_name() == "sqlite":
            path = Path(url.database or "")
            _check_file(path, create=create)
            db = cls(_sqlite_engine(url), str(path), folder=folder)
        else:
            db = cls(_postgres_engine(url), url.render_as_string(hide_password=True), folder=folder)
        try:
            await db._bring_up_to_date()
        except BaseException:
            await db.close()
            raise
        return db

    async def _bring_up_to_date(self) -> None:
        version = await self.schema_version()
        if version != SCHEMA_VERSION:
            from tinman.db import migrate  # noqa: PLC0415 - alembic is slow to load and rarely needed

            await migrate.upgrade(self)

    async def schema_version(self) -> str | None:
        """Return the schema's revision, ``None`` for an empty database; raise ``StoreError`` for a foreign one."""
        async with self.read() as connection:
            if self.is_sqlite:
                names = text("SELECT name FROM sqlite_master WHERE type = 'table'")
            else:
                names = text("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
            tables = set((await connection.execute(names)).scalars())
            if "alembic_version" in tables:
                version: str | None = await connection.scalar(text("SELECT version_num FROM alembic_version"))
                return version
            if tables:
                raise StoreError(f"database {self.place}: holds another program's tables; name another file")
            return None

    def write(self) -> Transaction:
        """Return a transaction that may write. It takes the write lock when it begins, so what it reads stays true."""
        return Transaction(self._writing_engine, self._lock, self.place)

    async def write_at_once(self, statements: Sequence[Statement]) -> None:
        """Run ``statements`` as one transaction in one hop to a thread; of SQLite only (see ``is_sqlite``).

        Raises ``Unchanged`` when one that has to change a row finds none, ``RowRefused`` and ``StoreError`` as usual;
        then nothing was written. Shielded from cancellation.
        """
        assert self._lock is not None
        with anyio.CancelScope(shield=True):
            async with self._lock:
                await self._in_thread(partial(self._one_hop.run, statements))

    async def vacuum(self) -> tuple[int, int]:
        """Give back the room that is no longer used; return how many bytes the files took before and take now.

        Raises ``StoreError`` when others write all the while, and for any database but SQLite. Shielded from
        cancellation.
        """
        if self._lock is None:
            raise StoreError(f"database {self.place}: only SQLite is shrunk by us; its own server does that")
        before = self._size()
        with anyio.CancelScope(shield=True):
            async with self._lock:
                await self._in_thread(self._one_hop.vacuum)
        return before, self._size()

    def _size(self) -> int:
        files = (Path(self.place), Path(f"{self.place}-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    async def _in_thread(self, work: Callable[[], None]) -> None:
        if self._one_hop.is_closed:
            raise StoreError(f"database {self.place}: it is closed")
        try:
            await asyncio.get_running_loop().run_in_executor(self._one_hop.thread, work)
        except sqlite3.Error as error:
            raise _explained(error, self.place) from error

    def read(self) -> Transaction:
        """Return a transaction for reading."""
        return Transaction(self._engine, None, self.place)

    def insert_new(self, table: type[Base]) -> sqlite.Insert | postgresql.Insert:
        """Return an insert into ``table`` that leaves rows alone that are already there."""
        insert = sqlite.insert if self.is_sqlite else postgresql.insert
        return insert(table).on_conflict_do_nothing()

    async def check(self) -> None:
        """Read the whole file and raise ``StoreCorrupt`` when SQLite finds it damaged."""
        if self.is_sqlite:
            async with self.read() as connection:
                found = await connection.scalar(text("PRAGMA quick_check(1)"))
            if found != "ok":
                raise StoreCorrupt(f"database {self.place}: damaged ({found}); restore a copy")

    async def close(self) -> None:
        """Close every connection. Nothing is left running."""
        with anyio.CancelScope(shield=True):
            await self._engine.dispose()
            await self._one_hop.close()
        if self._folder is not None:
            self._folder.cleanup()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Literal[False]:
        await self.close()
        return False


def _parsed(given: str) -> URL:
    try:
        url = make_url(given)
    except ArgumentError as error:
        raise ConfigError(f"database URL {given!r}: {error}") from error
    backend = url.get_backend_name()
    if backend == "sqlite" and url.database not in (None, "", ":memory:"):
        return url.set(drivername="sqlite+aiosqlite")
    if backend in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+asyncpg")
    raise ConfigError(f"database URL {url.render_as_string()!r}: use a path, sqlite:///PATH or postgresql://...")


def _sqlite_engine(url: URL) -> AsyncEngine:
    engine = create_async_engine(
        url,
        connect_args={"timeout": BUSY_TIMEOUT_SECONDS, "isolation_level": None, "factory": _Connection},
        pool_size=POOL_SIZE,
        max_overflow=0,
        json_serializer=_to_json,
    )
    event.listen(engine.sync_engine, "connect", _on_connect)
    event.listen(engine.sync_engine, "begin", _on_begin)
    return engine


def _postgres_engine(url: URL) -> AsyncEngine:
    try:
        return create_async_engine(url, pool_size=POOL_SIZE, json_serializer=_to_json)
    except ModuleNotFoundError as error:
        raise ConfigError("database URL: Postgres needs a driver; install asyncpg") from error
