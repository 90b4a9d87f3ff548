"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create all tables and the two readable views."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    moment = sa.String(32) if is_sqlite else sa.DateTime(timezone=True)

    op.create_table(
        "project",
        sa.Column("key", sa.String(), primary_key=True),
        sa.Column("value", sa.String(), nullable=False),
    )
    op.create_table(
        "cycles",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("reasoner", sa.String(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("config", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("phase", sa.String(), nullable=False),
        sa.Column("stopped_reason", sa.String(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("ended_at", moment),
        sa.Column("owner", sa.String()),
        sa.Column("heartbeat_at", moment),
        sa.Column("lease_expires_at", moment),
        sa.Column("summary", sa.JSON()),
    )
    op.create_index("ix_cycles_created_at", "cycles", ["created_at"])
    op.create_table(
        "nodes",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("cycle_id", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("valid_from", moment, nullable=False),
        sa.Column("valid_to", moment),
        sa.Column("search", sa.String(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
    )
    op.create_index("ix_nodes_kind_created_at", "nodes", ["kind", "created_at"])
    op.create_index("ix_nodes_cycle_id_kind", "nodes", ["cycle_id", "kind", "created_at"])
    op.create_index("ix_nodes_label", "nodes", ["label"])
    op.create_table(
        "edges",
        sa.Column("source", sa.String(), sa.ForeignKey("nodes.id", name="fk_edges_source"), primary_key=True),
        sa.Column("relation", sa.String(), primary_key=True),
        sa.Column("target", sa.String(), sa.ForeignKey("nodes.id", name="fk_edges_target"), primary_key=True),
        sa.Column("created_at", moment, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_edges_target", "edges", ["target", "relation"])
    op.create_table(
        "journal",
        sa.Column("cycle_id", sa.String(), sa.ForeignKey("cycles.id", name="fk_journal_cycle_id"), primary_key=True),
        sa.Column("key", sa.String(), primary_key=True),
        sa.Column("inputs", sa.String(), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "budget_blocks",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("cycle_id", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        sa.Column("nano_usd", sa.BigInteger(), nullable=False),
        sa.Column("used_calls", sa.BigInteger()),
        sa.Column("used_tokens", sa.BigInteger()),
        sa.Column("used_nano_usd", sa.BigInteger()),
        sa.Column("drawn_at", moment, nullable=False),
        sa.Column("closed_at", moment),
    )
    op.create_index("ix_budget_blocks_cycle_id", "budget_blocks", ["cycle_id"])
    op.create_table(
        "approvals",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("cycle_id", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("summary", sa.JSON(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("tier", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("decided_at", moment),
    )
    op.create_index("ix_approvals_status_created_at", "approvals", ["status", "created_at"])
    op.create_index("ix_approvals_cycle_id", "approvals", ["cycle_id"])
    op.create_index("ix_approvals_digest", "approvals", ["digest"])
    op.create_table(
        "audit",
        sa.Column("seq", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("previous_hash", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
    )

    def field(name: str) -> str:
        return f"json_extract(data, '$.{name}')" if is_sqlite else f"data ->> '{name}'"

    names = ("primary_class", "severity", "standing", "description", "reproducibility")
    columns = ", ".join(f"{field(name)} AS {name}" for name in names)
    op.execute(
        f"CREATE VIEW failures_v AS SELECT label, {columns}, cycle_id, created_at, valid_to, id "
        "FROM nodes WHERE kind = 'failure_mode'"
    )
    op.execute(
        "CREATE VIEW decisions_v AS SELECT created_at, kind, mode, tier, status, decided_by, reason, decided_at, "
        "expires_at, cycle_id, digest, id FROM approvals"
    )


def downgrade() -> None:
    """Drop everything."""
    for view in ("decisions_v", "failures_v"):
        op.execute(f"DROP VIEW {view}")
    for table in ("audit", "approvals", "budget_blocks", "journal", "edges", "nodes", "cycles", "project"):
        op.drop_table(table)
