"""Schedules: tasks that are submitted again and again, at the instants of a cron expression.

What: the table `schedules`, and a partial index on when the next ones are due.
Why no triggers: what stands here changes with every instant; the record tells each change, and the check of
the record replays them. Why a removed one stays, without its content: its name is kept for who made it, since
policies of workers may trust `schedule:NAME`.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table and its index."""
    op.create_table(
        "schedules",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("paused_why", sa.Text),
        sa.Column("cron", sa.Text, nullable=False),
        sa.Column("tz", sa.Text, nullable=False),
        sa.Column("misfire", sa.Text, nullable=False),
        sa.Column("overlap", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("payload", sa.Text),
        sa.Column("payload_salt", sa.LargeBinary),
        sa.Column("payload_digest", sa.LargeBinary, nullable=False),
        sa.Column("timeout_ms", BIG, nullable=False),
        sa.Column("effect", sa.Text),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("labels", sa.Text),
        sa.Column("tags", sa.Text),
        sa.Column("session_key", sa.Text),
        sa.Column("max_attempts", sa.Integer),
        sa.Column("ttl_ms", BIG),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("next_at", BIG),
        sa.Column("last_at", BIG),
        sa.Column("last_task_id", sa.Text),
        sa.CheckConstraint("state IN ('active', 'paused', 'removed')"),
        sa.CheckConstraint("misfire IN ('skip', 'once')"),
        sa.CheckConstraint("overlap IN ('skip', 'queue')"),
        sa.CheckConstraint("(state = 'active') = (next_at IS NOT NULL)"),
        sa.CheckConstraint("(state = 'removed') = (payload IS NULL)"),
        sa.CheckConstraint("(payload IS NULL) = (payload_salt IS NULL)"),
        sa.CheckConstraint("paused_why IS NULL OR state = 'paused'"),
        sqlite_strict=True,
    )
    op.execute("CREATE INDEX schedules_due ON schedules (next_at) WHERE state = 'active'")


def downgrade() -> None:
    """Drop it; the schedules are gone, what was told of them stays on the record."""
    op.execute("DROP INDEX schedules_due")
    op.drop_table("schedules")
