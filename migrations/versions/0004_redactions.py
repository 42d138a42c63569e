"""Forgetting content: which was taken out, and the one change that lets it go.

What: `redactions`, insert-only, with a row for each content of a task (`payload`, `output`) that was
taken out. For a task whose output stands there, the rows of `output` may be deleted, and in `outcomes`
error, metadata and salt may become NULL together; nothing else, and for no other task.
Why a row first: the triggers look for it, so what is not written down as redacted cannot be deleted.
Who writes such a row behind the service's back leaves out the event `content.redacted`, and that shows.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
THERE = "EXISTS (SELECT 1 FROM redactions WHERE task_id = NEW.task_id AND content = NEW.content)"
FORGOTTEN = ("error", "metadata", "salt")
KEPT = (
    "task_id",
    "attempt",
    "nr",
    "accepted",
    "exit_code",
    "reason",
    "duration_ms",
    "stdout_bytes",
    "stderr_bytes",
    "stdout_digest",
    "stderr_digest",
    "truncated",
    "lease_hash",
    "digest",
    "reported_at",
)


def upgrade() -> None:
    """Make the table, and let the triggers of outcomes and output know it."""
    op.create_table(
        "redactions",
        sa.Column("task_id", sa.Text, primary_key=True),
        sa.Column("content", sa.Text, primary_key=True),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("redacted_at", BIG, nullable=False),
        sa.CheckConstraint("content = 'payload' OR content = 'output'"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    _refuse("redactions", "no_update", "UPDATE")
    _refuse("redactions", "no_delete", "DELETE")
    _refuse("redactions", "no_replace", "INSERT", when=THERE)
    for table, trigger in (("outcomes", "no_update"), ("output", "no_delete")):
        op.execute(f"DROP TRIGGER {table}_{trigger}")
    forgets = " AND ".join(
        [f"NEW.{name} IS OLD.{name}" for name in KEPT] + [f"NEW.{name} IS NULL" for name in FORGOTTEN]
    )
    _refuse("outcomes", "no_update", "UPDATE", when=f"NOT ({forgets} AND {_is_redacted()})")
    _refuse("output", "no_delete", "DELETE", when=f"NOT {_is_redacted()}")


def downgrade() -> None:
    """Drop the table and let nothing go any more; what was taken out stays out."""
    for table, trigger, verb in (("outcomes", "no_update", "UPDATE"), ("output", "no_delete", "DELETE")):
        op.execute(f"DROP TRIGGER {table}_{trigger}")
        _refuse(table, trigger, verb)
    op.drop_table("redactions")


def _is_redacted() -> str:
    return "EXISTS (SELECT 1 FROM redactions WHERE task_id = OLD.task_id AND content = 'output')"


def _refuse(table: str, trigger: str, verb: str, *, when: str | None = None) -> None:
    op.execute(
        f"CREATE TRIGGER {table}_{trigger} BEFORE {verb} ON {table}"
        + ("" if when is None else f" WHEN {when}")
        + f" BEGIN SELECT RAISE(ABORT, '{table} is insert-only'); END"
    )
