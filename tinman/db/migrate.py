"""Brings a database to the newest schema. Only this module loads alembic, and only when a database is behind."""

from __future__ import annotations

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from tinman.config import resources
from tinman.db.engine import Database
from tinman.db.tables import Base
from tinman.errors import StoreError, StoreTooNew


def _config(connection: Connection | None = None) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(resources.folder("migrations")).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _upgrade(connection: Connection) -> None:
    config = _config(connection)
    version = _current(connection)
    if version is not None and version not in {script.revision for script in _scripts(config).walk_revisions()}:
        raise StoreTooNew(f"database: schema {version} was written by a newer Tinman; upgrade Tinman to open it")
    command.upgrade(config, "head")


def _scripts(config: Config) -> ScriptDirectory:
    return ScriptDirectory.from_config(config)


def newest() -> str | None:
    """Return the newest revision that this installation ships."""
    return _scripts(_config()).get_current_head()


async def upgrade(db: Database) -> None:
    """Migrate to the newest schema in one transaction; processes that race for it wait for one another.

    Raises ``StoreTooNew`` when the database's schema is unknown here. Nothing is changed when a migration fails.
    """
    await db.write(_upgrade)


async def current(db: Database) -> str | None:
    """Return the revision the database is at, or ``None`` before the first migration."""
    async with db.read() as connection:
        return await connection.run_sync(_current)


async def check(db: Database) -> None:
    """Raise ``StoreError`` naming the first difference between the database's schema and the tables described."""
    async with db.read() as connection:
        differences = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync, opts={"compare_type": True}), Base.metadata)
        )
    if differences:
        raise StoreError(f"database: the schema differs from what Tinman expects: {differences[0]}")
