"""What a row among the cycles is: a research cycle, or a loop that runs by itself."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; loops stored before it are known by their ids."""
    op.add_column("cycles", sa.Column("kind", sa.String(), nullable=False, server_default="cycle"))
    op.execute("UPDATE cycles SET kind = 'loop' WHERE id LIKE 'loop-%'")


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("cycles", "kind")
