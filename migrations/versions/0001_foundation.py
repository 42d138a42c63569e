"""The foundation: tasks, their record, outcomes, output, tokens and workers.

What: the six tables, STRICT on SQLite, with CHECKs that tie states and times together.
Why partial indexes: the service looks only at tasks that are unfinished, so what is finished
must not weigh on a claim, however much of it there is.
Why three triggers a table: UPDATE and DELETE are refused by one each, and the third refuses an
INSERT over an existing key, since ``INSERT OR REPLACE`` deletes without firing the second.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _any_of(column: str, *words: str) -> str:
    # Not IN: SQLite would build a table of the words anew for each row that it checks.
    return "(" + " OR ".join(f"{column} = '{word}'" for word in words) + ")"


HELD = _any_of("state", "claimed", "awaiting_approval", "running")
FINISHED = _any_of("state", "completed", "failed", "cancelled", "denied", "expired", "unknown")
INSERT_ONLY = {
    "events": "seq = NEW.seq",
    "outcomes": "task_id = NEW.task_id AND attempt = NEW.attempt AND nr = NEW.nr",
    "output": (
        'task_id = NEW.task_id AND attempt = NEW.attempt AND stream = NEW.stream AND "offset" = NEW."offset"'
    ),
}


def upgrade() -> None:
    """Make the tables, their indexes and the triggers that keep the record insert-only."""
    _tasks()
    _events()
    _outcomes()
    _output()
    _tokens()
    _workers()
    for table, same_key in INSERT_ONLY.items():
        for statement in _insert_only(table, same_key):
            op.execute(statement)


def downgrade() -> None:
    """Drop everything: there is nothing before the first migration."""
    for table in ("workers", "tokens", "output", "outcomes", "events", "tasks"):
        op.drop_table(table)


def _tasks() -> None:
    op.create_table(
        "tasks",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("payload", sa.Text),
        sa.Column("payload_salt", sa.LargeBinary),
        sa.Column("payload_digest", sa.LargeBinary, nullable=False),
        sa.Column("effect", sa.Text, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("labels", sa.Text),
        sa.Column("tags", sa.Text),
        sa.Column("session_key", sa.Text),
        sa.Column("submitted_by", sa.Text, nullable=False),
        sa.Column("on_behalf_of", sa.Text),
        sa.Column("rerun_of", sa.Text),
        sa.Column("idempotency_key", sa.Text),
        sa.Column("idempotency_digest", sa.LargeBinary),
        sa.Column("timeout_ms", BIG, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("max_attempts", sa.Integer, nullable=False),
        sa.Column("not_before_at", BIG),
        sa.Column("expires_at", BIG),
        sa.Column("claimed_by", sa.Text),
        sa.Column("lease_hash", sa.LargeBinary),
        sa.Column("lease_expires_at", BIG),
        sa.Column("cancel_requested_at", BIG),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("claimed_at", BIG),
        sa.Column("started_at", BIG),
        sa.Column("finished_at", BIG),
        sa.CheckConstraint(f"state = 'pending' OR {HELD} OR {FINISHED}"),
        sa.CheckConstraint(f"{FINISHED} = (finished_at IS NOT NULL)"),
        sa.CheckConstraint(f"{HELD} = (lease_expires_at IS NOT NULL)"),
        sa.CheckConstraint(f"NOT {HELD} OR claimed_by IS NOT NULL"),
        sa.CheckConstraint("NOT (state = 'running' OR state = 'completed') OR started_at IS NOT NULL"),
        sa.CheckConstraint("state <> 'pending' OR (claimed_by IS NULL AND started_at IS NULL)"),
        sa.CheckConstraint(_any_of("effect", "read", "idempotent", "mutating")),
        sa.CheckConstraint("attempt BETWEEN 0 AND max_attempts"),
        sqlite_strict=True,
    )
    for statement in (
        "CREATE INDEX tasks_claimable ON tasks (priority DESC, id) WHERE state = 'pending'",
        "CREATE INDEX tasks_held ON tasks (claimed_by) WHERE lease_expires_at IS NOT NULL",
        "CREATE INDEX tasks_leased ON tasks (lease_expires_at) WHERE lease_expires_at IS NOT NULL",
        "CREATE INDEX tasks_labelled ON tasks (labels) WHERE state = 'pending' AND labels IS NOT NULL",
        (
            "CREATE INDEX tasks_expiring ON tasks (expires_at)"
            " WHERE state = 'pending' AND expires_at IS NOT NULL"
        ),
        (
            "CREATE INDEX tasks_delayed ON tasks (not_before_at)"
            " WHERE state = 'pending' AND not_before_at IS NOT NULL"
        ),
        (
            "CREATE INDEX tasks_in_session ON tasks (session_key, id)"
            " WHERE session_key IS NOT NULL AND finished_at IS NULL"
        ),
        (
            "CREATE UNIQUE INDEX tasks_idempotent ON tasks (submitted_by, idempotency_key)"
            " WHERE idempotency_key IS NOT NULL"
        ),
    ):
        op.execute(statement)


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("seq", BIG, primary_key=True, autoincrement=False),
        sa.Column("at", BIG, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("task_id", sa.Text),
        sa.Column("attempt", sa.Integer),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("leaf", sa.LargeBinary, nullable=False),
        sa.CheckConstraint("seq >= 0"),
        sa.CheckConstraint("length(leaf) = 32"),
        sqlite_strict=True,
    )
    op.execute("CREATE INDEX events_of_task ON events (task_id) WHERE task_id IS NOT NULL")


def _outcomes() -> None:
    op.create_table(
        "outcomes",
        sa.Column("task_id", sa.Text, primary_key=True),
        sa.Column("attempt", sa.Integer, primary_key=True),
        sa.Column("nr", sa.Integer, primary_key=True),
        sa.Column("accepted", sa.Integer, nullable=False),
        sa.Column("exit_code", BIG, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("error", sa.Text),
        sa.Column("duration_ms", BIG),
        sa.Column("metadata", sa.Text),
        sa.Column("stdout_bytes", BIG, nullable=False),
        sa.Column("stderr_bytes", BIG, nullable=False),
        sa.Column("stdout_digest", sa.LargeBinary),
        sa.Column("stderr_digest", sa.LargeBinary),
        sa.Column("truncated", sa.Integer, nullable=False),
        sa.Column("lease_hash", sa.LargeBinary),
        sa.Column("salt", sa.LargeBinary),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("reported_at", BIG, nullable=False),
        sa.CheckConstraint("(nr = 0) = (accepted = 1)"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _output() -> None:
    op.create_table(
        "output",
        sa.Column("task_id", sa.Text, primary_key=True),
        sa.Column("attempt", sa.Integer, primary_key=True),
        sa.Column("stream", sa.Text, primary_key=True),
        sa.Column("offset", BIG, primary_key=True),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.Column("at", BIG, nullable=False),
        sa.CheckConstraint(_any_of("stream", "stdout", "stderr")),
        sa.CheckConstraint('"offset" >= 0'),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _tokens() -> None:
    op.create_table(
        "tokens",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("expires_at", BIG),
        sa.Column("revoked_at", BIG),
        sqlite_strict=True,
    )
    op.execute("CREATE UNIQUE INDEX tokens_named ON tokens (name) WHERE revoked_at IS NULL")


def _workers() -> None:
    op.create_table(
        "workers",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("session", sa.Text, nullable=False),
        sa.Column("kinds", sa.Text, nullable=False),
        sa.Column("labels", sa.Text, nullable=False),
        sa.Column("version", sa.Text),
        sa.Column("policy_hash", sa.Text),
        sa.Column("free", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("first_seen_at", BIG, nullable=False),
        sa.Column("last_seen_at", BIG, nullable=False),
        sa.CheckConstraint(_any_of("state", "active", "draining")),
        sqlite_strict=True,
    )


def _insert_only(table: str, same_key: str) -> list[str]:
    refuse = f"SELECT RAISE(ABORT, '{table} is insert-only')"
    return [
        f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} BEGIN {refuse}; END",
        f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} BEGIN {refuse}; END",
        (  # names of our own: nothing in the statement comes from outside
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table}"  # noqa: S608
            f" WHEN EXISTS (SELECT 1 FROM {table} WHERE {same_key}) BEGIN {refuse}; END"
        ),
    ]
