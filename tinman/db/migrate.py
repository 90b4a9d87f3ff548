"""Brings a database to the newest schema. Only this module loads alembic, and only when a database is behind."""

from __future__ import annotations

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from tinman.config import resources
from tinman.db.tables import Base
from tinman.errors import StoreError, StoreTooNew


def _config(connection: Connection | None = None) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(resources.folder("migrations")).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def newest() -> str | None:
    """Return the newest revision that this installation ships."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def current(connection: Connection) -> str | None:
    """Return the revision the database is at, or ``None`` before the first migration."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade(connection: Connection) -> None:
    """Migrate to the newest schema, within the transaction of ``connection``: all of it or nothing.

    Raises ``StoreTooNew`` when the database's schema is unknown here.
    """
    config = _config(connection)
    version = current(connection)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if version is not None and version not in known:
        raise StoreTooNew(f"database: schema {version} was written by a newer Tinman; upgrade Tinman to open it")
    command.upgrade(config, "head")


def check(connection: Connection) -> None:
    """Raise ``StoreError`` naming the first difference between the database's schema and the tables described."""
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    if differences := compare_metadata(context, Base.metadata):
        raise StoreError(f"database: the schema differs from what Tinman expects: {differences[0]}")
