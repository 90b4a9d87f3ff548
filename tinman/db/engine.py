"""Opens the database; reads in short transactions, writes in functions.

SQLite by default: write-ahead log, a busy timeout, foreign keys, and ``BEGIN IMMEDIATE`` for whatever writes, since the
driver's deferred default loses updates. Each transaction runs whole, shielded from cancellation.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, closing
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import anyio
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from tinman.db.damage import damaged
from tinman.db.file import SCHEMA_VERSION, check_file, is_writable, reading_uri
from tinman.db.prepared import driver_of
from tinman.db.tables import Unreadable
from tinman.errors import ConfigError, RowRefused, StoreCorrupt, StoreError
from tinman.frozen import Encoded
from tinman.text.secrets import masked

T = TypeVar("T")

BUSY_TIMEOUT_SECONDS = 30.0
POOL_SIZE = 5
PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON")


def _to_json(value: Any) -> str:
    return value if isinstance(value, Encoded) else json.dumps(value)


def _from_json(text: Any) -> Any:
    try:
        read = json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise Unreadable("it is not JSON") from error
    if not isinstance(read, dict | None):
        raise Unreadable("it is no JSON object")
    return read


async def _located(engine: AsyncEngine, place: str, error: Exception) -> StoreCorrupt:
    """Return the error that names the first row which cannot be read."""
    found: str | None = None
    if engine.dialect.name == "sqlite":
        async with engine.connect() as connection:
            found = await connection.run_sync(lambda sync: next(damaged(sync), None))
    told = found or str(error).partition("\n")[0]
    return StoreCorrupt(f"database {place}: {told}; it was left as it is: see `tinman db check`, or restore a copy")


def _explained(error: DBAPIError | sqlite3.Error, place: str) -> StoreError:
    """Return the one-line error for what the driver said."""
    said = str(error.orig if isinstance(error, DBAPIError) else error)
    told = said.lower()
    if isinstance(error, IntegrityError | DataError | sqlite3.IntegrityError | sqlite3.DataError):
        return RowRefused(f"database {place}: row refused: {said}")
    if "could not decode" in told:
        return StoreCorrupt(f"database {place}: a text in it is not UTF-8; see `tinman db check`")
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


_AFTERWARDS = "tinman.afterwards"


def afterwards(connection: Connection, then: Callable[[Connection], None]) -> None:
    """Have ``then`` called in a transaction of its own once this one is committed; never when it is rolled back."""
    connection.info.setdefault(_AFTERWARDS, []).append(then)


def _follow(connection: Connection) -> None:
    for then in connection.info.pop(_AFTERWARDS, ()):
        with connection.begin():
            then(connection)


class _Connection(sqlite3.Connection):
    """Gives its lock back when closed: a statement that is still referenced keeps a closed connection half alive."""

    def close(self) -> None:
        """Roll back what is open, then close."""
        if self.in_transaction:
            self.rollback()
        super().close()


_SQLITE: dict[str, Any] = {
    "connect_args": {"timeout": BUSY_TIMEOUT_SECONDS, "isolation_level": None, "factory": _Connection},
    "json_serializer": _to_json,
    "json_deserializer": _from_json,
}
_LOCK_POSTGRES = text("SELECT pg_advisory_xact_lock(hashtext('tinman'))")
"""One writer at a time, as SQLite has it: numbers and chains are read and continued in one transaction."""


def _on_connect(connection: Any, _: ConnectionPoolEntry) -> None:
    with closing(connection.cursor()) as cursor:
        for pragma in PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")


class Reading:
    """``async with`` it for a connection inside one transaction that reads.

    The body runs shielded from cancellation, so keep it short. Errors of the driver leave as ``StoreError``.
    """

    def __init__(self, engine: AsyncEngine, place: str) -> None:
        self._engine = engine
        self._place = place
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> AsyncConnection:
        async with AsyncExitStack() as stack:
            stack.enter_context(anyio.CancelScope(shield=True))
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
        except DBAPIError as at_end:
            raise _explained(at_end, self._place) from at_end
        if isinstance(error, Unreadable):
            raise await _located(self._engine, self._place, error) from error
        if isinstance(error, DBAPIError):
            raise _explained(error, self._place) from error


class _Writer:
    """A synchronous connection of its own to a SQLite file, and the one thread that uses it.

    A whole transaction is one hop to that thread; through aiosqlite every statement is one, at five times the CPU.
    """

    def __init__(self, place: str) -> None:
        self._place = place
        self._path = path = os.path.abspath(place)  # the working directory may be another one by the first write
        self._identity: tuple[int, int] | None = None
        self._engine = create_engine(URL.create("sqlite+pysqlite", database=path), **_SQLITE)
        event.listen(self._engine, "connect", _on_connect)
        event.listen(self._engine, "begin", lambda connection: driver_of(connection).execute("BEGIN IMMEDIATE"))
        self._connection: Connection | None = None
        self._thread = ThreadPoolExecutor(1, "tinman-writes")
        self.is_closed = False

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Return what ``work`` returned once it is committed; all of it is rolled back when it raises."""

        def transaction() -> T:
            connection = self._connection or self._open()
            self._check_there()
            connection.info.pop(_AFTERWARDS, None)
            with connection.begin():
                value = work(connection)
            _follow(connection)
            return value

        return await asyncio.get_running_loop().run_in_executor(self._thread, transaction)

    async def vacuum(self) -> None:
        """Write the whole file anew, and the log into it."""

        def rewrite() -> None:
            driver: Any = (self._connection or self._open()).connection.driver_connection
            driver.execute("VACUUM")  # SQLite refuses it inside a transaction, and SQLAlchemy would begin one
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")

        await asyncio.get_running_loop().run_in_executor(self._thread, rewrite)

    def _open(self) -> Connection:
        self._connection = self._engine.connect()
        found = os.stat(self._path)
        self._identity = (found.st_dev, found.st_ino)
        return self._connection

    def _check_there(self) -> None:
        """Raise ``StoreError`` when the file is another one than was opened: nobody would see what is written."""
        try:
            found = os.stat(self._path)
        except OSError:
            found = None
        if found is None or (found.st_dev, found.st_ino) != self._identity:
            raise StoreError(
                f"database {self._place}: it was deleted or replaced while it was in use; put it back, or start anew"
            )

    async def close(self) -> None:
        """Wait for what is being written, close the connection, and end the thread."""
        if not self.is_closed:
            self.is_closed = True
            await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
            self._thread.shutdown(wait=False)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._engine.dispose()


class Database:
    """An open database. Belongs to one event loop; many tasks may use it at once."""

    def __init__(
        self,
        engine: AsyncEngine,
        place: str,
        *,
        folder: tempfile.TemporaryDirectory[str] | None,
        is_read_only: bool = False,
    ) -> None:
        self.place = place
        self.is_read_only = is_read_only
        self._engine = engine
        self._folder = folder
        self.is_sqlite = engine.dialect.name == "sqlite"
        self._writer = _Writer(place) if self.is_sqlite and not is_read_only else None

    @classmethod
    async def open(cls, url_or_path: str | Path, *, create: bool = True) -> Database:
        """Open a database, bringing its schema up to date first when it is behind.

        ``url_or_path`` is a path, a ``sqlite:///`` or ``postgresql://`` URL, or ``:memory:`` for one that vanishes when
        closed. A path's folder is made when it is missing. With ``create=False`` a missing file is a ``StoreError``,
        and one that cannot be written is opened for reading alone: ``is_read_only``.

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
            check_file(path, create=create)
            is_read_only = not create and not is_writable(path)
            engine = _reading_engine(path) if is_read_only else _sqlite_engine(path)
            db = cls(engine, str(path), folder=folder, is_read_only=is_read_only)
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
            if self.is_read_only:
                behind = f"its schema ({version or 'none'}) is not {SCHEMA_VERSION}, and it cannot be written here"
                raise StoreError(f"database {self.place}: {behind}; copy it to where it can be")
            from tinman.db import migrate  # noqa: PLC0415 - alembic is slow to load and rarely needed

            await self.write(migrate.upgrade)

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

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run ``work(connection)`` as one transaction and return its value once that is committed.

        ``work`` is a plain function, so no network call can stand inside a transaction. It holds the database's write
        lock from its beginning: what it reads stays true until it is committed. Whatever it raises rolls all of it
        back; what the driver says leaves as ``StoreError``, a refused row as ``RowRefused``. Shielded from
        cancellation.
        """
        self._check_writable()
        with anyio.CancelScope(shield=True):
            try:
                if self._writer is not None:
                    self._check_open(self._writer)
                    value = await self._writer.run(work)
                else:
                    async with self._engine.begin() as connection:
                        await connection.execute(_LOCK_POSTGRES)
                        value = await connection.run_sync(work)
            except Unreadable as error:
                raise await _located(self._engine, self.place, error) from error
            except (DBAPIError, sqlite3.Error) as error:
                raise _explained(error, self.place) from error
        return value

    def _check_writable(self) -> None:
        if self.is_read_only:
            raise StoreError(f"database {self.place}: it cannot be written here; check the folder's permissions")

    def _check_open(self, writer: _Writer) -> None:
        if writer.is_closed:
            raise StoreError(f"database {self.place}: it is closed")

    async def vacuum(self) -> tuple[int, int]:
        """Give back the room that is no longer used; return how many bytes the files took before and take now.

        Raises ``StoreError`` when others write all the while, and for any database but SQLite. Shielded from
        cancellation.
        """
        self._check_writable()
        if self._writer is None:
            raise StoreError(f"database {self.place}: only SQLite is shrunk by us; its own server does that")
        self._check_open(self._writer)
        before = self._size()
        with anyio.CancelScope(shield=True):
            try:
                await self._writer.vacuum()
            except (DBAPIError, sqlite3.Error) as error:
                raise _explained(error, self.place) from error
        return before, self._size()

    def _size(self) -> int:
        files = (Path(self.place), Path(f"{self.place}-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    def read(self) -> Reading:
        """Return a transaction for reading."""
        return Reading(self._engine, self.place)

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
            if self._writer is not None:
                await self._writer.close()
        if self._folder is not None:
            self._folder.cleanup()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


_FORM = "use a path, sqlite:///PATH or postgresql://..."


def _parsed(given: str) -> URL:
    try:
        url = make_url(given)
    except (ArgumentError, ValueError) as error:
        raise ConfigError(f"database URL {masked(given, is_database=True)!r}: it is no address: {_FORM}") from error
    backend = url.get_backend_name()
    if backend == "sqlite" and url.database not in (None, "", ":memory:"):
        return url.set(drivername="sqlite+aiosqlite")
    if backend in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+asyncpg")
    raise ConfigError(f"database URL {masked(given, is_database=True)!r}: {_FORM}")


def _sqlite_engine(path: Path) -> AsyncEngine:
    url = URL.create("sqlite+aiosqlite", database=os.path.abspath(path))
    engine = create_async_engine(url, pool_size=POOL_SIZE, max_overflow=0, **_SQLITE)
    event.listen(engine.sync_engine, "connect", _on_connect)
    event.listen(engine.sync_engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


def _reading_engine(path: Path) -> AsyncEngine:
    place, _, query = reading_uri(path).partition("?")
    options = dict(each.split("=") for each in query.split("&"))
    url = URL.create("sqlite+aiosqlite", database=place.replace("file://", "file:"), query={**options, "uri": "true"})
    engine = create_async_engine(url, pool_size=POOL_SIZE, max_overflow=0, **_SQLITE)
    event.listen(engine.sync_engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


def _postgres_engine(url: URL) -> AsyncEngine:
    try:
        return create_async_engine(url, pool_size=POOL_SIZE, json_serializer=_to_json)
    except ModuleNotFoundError as error:
        raise ConfigError("database URL: Postgres needs a driver; install asyncpg") from error
