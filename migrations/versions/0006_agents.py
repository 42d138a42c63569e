"""Agents: tokens for callbacks, sessions that workers tell of, budgets.

What: `callback_tokens` (sealed secrets, which go when they were used), `recent_sessions` (what each worker
last told of each agent), the column `tokens.max_cost_micros`, and indexes for questions about agents.
Why no triggers on the two tables: nothing in them is for good. Why indexes with a condition: only tasks of
agents pay for them. Why one on charges: what was spent is asked at each submission of who has a budget.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
IS_AGENT = "(kind = 'claude-cli' OR kind = 'codex-cli' OR kind = 'gemini-cli')"
INDEXES = {
    "tasks_of_agents": (
        f"tasks (session_key, id, kind, created_at, started_at, finished_at) WHERE {IS_AGENT}"
    ),
    # What is unfinished stands at the end, so that one range holds all that was going on lately.
    "tasks_agents_lately": f"tasks (coalesce(finished_at, 9007199254740991)) WHERE {IS_AGENT}",
    "tasks_agents_open": f"tasks (submitted_by) WHERE finished_at IS NULL AND {IS_AGENT}",
    "events_charged": "events (at) WHERE type = 'budget.charged'",
}


def upgrade() -> None:
    """Make the two tables, the column and the indexes."""
    op.create_table(
        "callback_tokens",
        sa.Column("task_id", sa.Text, primary_key=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "recent_sessions",
        sa.Column("worker_id", sa.Text, primary_key=True),
        sa.Column("cli", sa.Text, primary_key=True),
        sa.Column("sessions", sa.Text, nullable=False),
        sa.Column("told_at", BIG, nullable=False),
        sa.CheckConstraint("cli = 'claude' OR cli = 'codex' OR cli = 'gemini'"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.execute("ALTER TABLE tokens ADD COLUMN max_cost_micros INTEGER")
    for name, rest in INDEXES.items():
        op.execute(f"CREATE INDEX {name} ON {rest}")


def downgrade() -> None:
    """Drop them; budgets are forgotten, what was spent stays on the record."""
    for name in reversed(INDEXES):
        op.execute(f"DROP INDEX {name}")
    op.execute("ALTER TABLE tokens DROP COLUMN max_cost_micros")
    op.drop_table("recent_sessions")
    op.drop_table("callback_tokens")
