"""Questions to people, and their answers.

What: `approvals`, one row for each question that a worker asked before a run; in `tasks` the question that
was asked last and, while a yes waits to be used, the worker that it is good for. The views `history` and
`refusals` know the new events, and so does the index of refusals.
Why `describe` may become NULL: it tells what would run, so it goes with the payload when that is redacted.
The event holds a salted digest of it, as of everything that people said or saw.
Why indexes on few rows only: what is decided must not weigh on looking for what waits.
"""

from __future__ import annotations

from importlib import import_module

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
earlier = import_module("migrations.versions.0002_views")
INDEXED = earlier._is_refusal("")  # noqa: SLF001 - of another migration, which stays as it is
COMMENT = earlier._line(earlier._member("e.detail", "comment"))  # noqa: SLF001 - the same

BEFORE = {
    "approval.requested": "claimed",
    "approval.given": "awaiting_approval",
    "approval.refused": "awaiting_approval",
    "approval.expired": "pending",
}
AFTER = {
    "approval.requested": "awaiting_approval",
    "approval.given": "pending",
    "approval.refused": "denied",
    "approval.expired": "denied",
}
REFUSED_BEFORE = "{0}type = 'access.denied' OR"
REFUSED_NOW = f"{REFUSED_BEFORE} {{0}}type = 'approval.refused' OR {{0}}type = 'approval.expired' OR"


def upgrade() -> None:
    """Make the table, the two columns with their indexes, and the views anew."""
    _approvals()
    for name in ("approval_id", "pinned_to"):
        op.execute(f"ALTER TABLE tasks ADD COLUMN {name} TEXT")
    op.execute(
        "CREATE INDEX tasks_pinned ON tasks (approval_id) WHERE state = 'pending' AND pinned_to IS NOT NULL",
    )
    _views(history=_history(), refusals=_refusals(), refused=_refused("", INDEXED))


def downgrade() -> None:
    """Drop all of it; what was asked and answered stays on the record alone."""
    _views(history=earlier.HISTORY, refusals=earlier.REFUSALS, refused=INDEXED)
    op.execute("DROP INDEX tasks_pinned")
    for name in ("pinned_to", "approval_id"):
        op.execute(f"ALTER TABLE tasks DROP COLUMN {name}")
    op.drop_table("approvals")


def _approvals() -> None:
    op.create_table(
        "approvals",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("task_id", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("worker_id", sa.Text, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("policy_hash", sa.Text, nullable=False),
        sa.Column("describe", sa.Text),
        sa.Column("describe_salt", sa.LargeBinary),
        sa.Column("describe_digest", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("requested_at", BIG, nullable=False),
        sa.Column("expires_at", BIG, nullable=False),
        sa.Column("decided_by", sa.Text),
        sa.Column("decided_at", BIG),
        sa.Column("comment", sa.Text),
        sa.Column("used_at", BIG),
        sa.CheckConstraint(
            "state = 'pending' OR state = 'approved' OR state = 'denied'"
            " OR state = 'expired' OR state = 'withdrawn'",
        ),
        sa.CheckConstraint("(state = 'pending') = (decided_at IS NULL)"),
        sa.CheckConstraint("(decided_by IS NULL) = (decided_at IS NULL)"),
        sa.CheckConstraint("used_at IS NULL OR state = 'approved'"),
        sa.CheckConstraint("(describe IS NULL) = (describe_salt IS NULL)"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    for statement in (
        "CREATE INDEX approvals_pending ON approvals (requested_at) WHERE state = 'pending'",
        "CREATE INDEX approvals_requested ON approvals (requested_at)",
        "CREATE INDEX approvals_of_task ON approvals (task_id)",
    ):
        op.execute(statement)


def _views(*, history: str, refusals: str, refused: str) -> None:
    """Make the two views and the index of refusals anew."""
    for name, query in (("history", history), ("refusals", refusals)):
        op.execute(f"DROP VIEW {name}")
        op.execute(f"CREATE VIEW {name} AS {query}")
    op.execute("DROP INDEX events_refused")
    op.execute(f"CREATE INDEX events_refused ON events (seq) WHERE {refused}")


def _history() -> str:
    query = str(earlier.HISTORY)
    for last, states in (("running", BEFORE), ("unknown", AFTER)):
        end = f"WHEN 'task.lost' THEN '{last}' END"
        more = " ".join(f"WHEN '{type_}' THEN '{state}'" for type_, state in states.items())
        query = _replaced(query, end, f"WHEN 'task.lost' THEN '{last}' {more} END")
    return query


def _refusals() -> str:
    late = "WHEN 'outcome.refused' THEN 'the lease was over'"
    more = (
        " WHEN 'approval.expired' THEN 'nobody answered in time'"
        f" WHEN 'approval.refused' THEN 'denied' || coalesce(': ' || {COMMENT}, '')"
    )
    return _refused("e.", _replaced(str(earlier.REFUSALS), late, late + more))


def _refused(table: str, text: str) -> str:
    return _replaced(text, REFUSED_BEFORE.format(table), REFUSED_NOW.format(table))


def _replaced(text: str, old: str, new: str) -> str:
    if text.count(old) != 1:
        raise ValueError(f"{old!r} stands there {text.count(old)} times, not once")
    return text.replace(old, new)
