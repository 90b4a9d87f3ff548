"""Every table, described once. Field names inside ``data`` are those of the record it holds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, ForeignKey, Index, MetaData, String, text
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column
from sqlalchemy.types import TypeDecorator, TypeEngine

from tinman.db.file import as_text


class Unreadable(ValueError):
    """Raised for a value that is not what its column holds. It leaves the room as ``StoreCorrupt``, with its row."""


class Moment(TypeDecorator[datetime]):
    """A moment in UTC. SQLite keeps ISO text of fixed width, which sorts as time does."""

    impl = String(32)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the column type of ``dialect``."""
        return dialect.type_descriptor(String(32) if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Return what the driver is given."""
        if value is None or dialect.name != "sqlite":
            return value
        return as_text(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Return an aware moment. Raises ``Unreadable``."""
        if value is None or isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(value)
        except (TypeError, ValueError) as error:
            raise Unreadable(f"{value!r} is no moment") from error
        if moment.tzinfo is None:
            raise Unreadable(f"{value!r} has no zone")
        return moment


class Base(MappedAsDataclass, DeclarativeBase, kw_only=True):
    """Base of all mapped classes."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: Moment(), dict[str, Any]: JSON(none_as_null=True), int: BigInteger()}  # noqa: RUF012


class ProjectRow(Base, kw_only=True):
    """What the project as a whole remembers, such as the highest mode it was promoted to."""

    __tablename__ = "project"

    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


class CycleRow(Base, kw_only=True):
    """One research cycle, or loop that runs by itself, with the lease of the process that runs it."""

    __tablename__ = "cycles"

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(default="cycle")
    mode: Mapped[str]
    target: Mapped[str]
    reasoner: Mapped[str]
    seed: Mapped[int]
    config: Mapped[dict[str, Any]]
    status: Mapped[str] = mapped_column(default="running")
    phase: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    owner: Mapped[str | None] = mapped_column(default=None)
    heartbeat_at: Mapped[datetime | None] = mapped_column(default=None)
    lease_expires_at: Mapped[datetime | None] = mapped_column(default=None)
    ending: Mapped[dict[str, Any] | None] = mapped_column(default=None)
    spent: Mapped[dict[str, Any] | None] = mapped_column(default=None)


class NodeRow(Base, kw_only=True):
    """One thing that is known, and from when to when."""

    __tablename__ = "nodes"
    __table_args__ = (
        Index("ix_nodes_kind_created_at", "kind", "created_at"),
        Index("ix_nodes_cycle_id_kind", "cycle_id", "kind", "created_at"),
        Index(
            "ix_nodes_label",
            "label",
            unique=True,
            sqlite_where=text("label <> ''"),
            postgresql_where=text("label <> ''"),
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    cycle_id: Mapped[str]
    label: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime | None] = mapped_column(default=None)
    search: Mapped[str] = mapped_column(default="")
    data: Mapped[dict[str, Any]]


class EdgeRow(Base, kw_only=True):
    """``source`` ``relation`` ``target``, read as a sentence."""

    __tablename__ = "edges"
    __table_args__ = (Index("ix_edges_target", "target", "relation"), {"sqlite_with_rowid": False})

    source: Mapped[str] = mapped_column(ForeignKey("nodes.id"), primary_key=True)
    relation: Mapped[str] = mapped_column(primary_key=True)
    target: Mapped[str] = mapped_column(ForeignKey("nodes.id"), primary_key=True)
    created_at: Mapped[datetime]


class JournalRow(Base, kw_only=True):
    """One step of a cycle: ``done``, or ``intended`` while nobody knows whether it happened."""

    __tablename__ = "journal"
    __table_args__ = ({"sqlite_with_rowid": False},)

    cycle_id: Mapped[str] = mapped_column(ForeignKey("cycles.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    inputs: Mapped[str]
    value: Mapped[dict[str, Any]]
    state: Mapped[str]
    created_at: Mapped[datetime]


class BudgetBlockRow(Base, kw_only=True):
    """A block of budget one process drew; while ``used_*`` is empty the whole block counts as spent."""

    __tablename__ = "budget_blocks"

    id: Mapped[str] = mapped_column(primary_key=True)
    cycle_id: Mapped[str] = mapped_column(index=True)
    owner: Mapped[str]
    calls: Mapped[int]
    tokens: Mapped[int]
    nano_usd: Mapped[int]
    used_calls: Mapped[int | None] = mapped_column(default=None)
    used_tokens: Mapped[int | None] = mapped_column(default=None)
    used_nano_usd: Mapped[int | None] = mapped_column(default=None)
    drawn_at: Mapped[datetime]
    closed_at: Mapped[datetime | None] = mapped_column(default=None)


class ApprovalRow(Base, kw_only=True):
    """One question put to a reviewer; ``digest`` names exactly what was asked."""

    __tablename__ = "approvals"
    __table_args__ = (Index("ix_approvals_status_created_at", "status", "created_at"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    cycle_id: Mapped[str] = mapped_column(index=True)
    digest: Mapped[str] = mapped_column(index=True)
    kind: Mapped[str]
    summary: Mapped[dict[str, Any]]
    mode: Mapped[str]
    tier: Mapped[str]
    status: Mapped[str] = mapped_column(default="pending")
    reason: Mapped[str] = mapped_column(default="")
    decided_by: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    decided_at: Mapped[datetime | None] = mapped_column(default=None)


class AuditRow(Base, kw_only=True):
    """One link of the hash chain."""

    __tablename__ = "audit"

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor: Mapped[str]
    what: Mapped[str]
    data: Mapped[dict[str, Any]]
    previous_hash: Mapped[str]
    hash: Mapped[str]
