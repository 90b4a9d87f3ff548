"""A label names one thing: what has the same as an older one gets the next number, and a unique index keeps it so."""

import sqlalchemy as sa
import structlog
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_NODES = sa.table(
    "nodes",
    sa.column("id", sa.String),
    sa.column("label", sa.String),
    sa.column("search", sa.String),
    sa.column("created_at", sa.String),
    sa.column("data", sa.JSON),
)
_HAS_LABEL = sa.text("label <> ''")


def upgrade() -> None:
    """Renumber doubles, the oldest keeps its label; say which, and then forbid them."""
    renumbered = _renumber(op.get_bind())
    if renumbered:
        structlog.get_logger(__name__).warning("labels.renumbered", count=len(renumbered), labels=renumbered)
    op.drop_index("ix_nodes_label", table_name="nodes")
    op.create_index(
        "ix_nodes_label", "nodes", ["label"], unique=True, sqlite_where=_HAS_LABEL, postgresql_where=_HAS_LABEL
    )


def _renumber(connection):
    """Return what was changed, as ``INT-5 -> INT-9 (id)``."""
    order = sa.select(_NODES.c.id, _NODES.c.label).where(_NODES.c.label != "")
    rows = connection.execute(order.order_by(_NODES.c.created_at, _NODES.c.id)).all()
    highest = {}
    for row in rows:
        prefix, _, number = row.label.rpartition("-")
        if number.isascii() and number.isdecimal():
            highest[prefix] = max(highest.get(prefix, 0), int(number))
    seen, renumbered = set(), []
    for row in rows:
        if row.label not in seen:
            seen.add(row.label)
            continue
        prefix = row.label.rpartition("-")[0] or row.label
        highest[prefix] = highest.get(prefix, 0) + 1
        label = f"{prefix}-{highest[prefix]}"
        node = connection.execute(sa.select(_NODES.c.search, _NODES.c.data).where(_NODES.c.id == row.id)).one()
        words = node.search.removeprefix(f"{row.label.lower()} ")
        data = {**node.data, "label": label} if "label" in node.data else node.data
        change = {"label": label, "search": f"{label.lower()} {words}", "data": data}
        connection.execute(sa.update(_NODES).where(_NODES.c.id == row.id).values(change))
        renumbered.append(f"{row.label} -> {label} ({row.id})")
    return renumbered


def downgrade() -> None:
    """Raise: what was called alike is not called so again."""
    raise NotImplementedError("restore the copy of the database that was made before it was brought up to date")
