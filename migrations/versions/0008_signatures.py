"""Signatures: the envelope that a client signed a task with, or an approver his answer.

What: `signature` and `signature_digest` in `tasks` and in `approvals`.
Why the text as it came: whoever checks it must have the very bytes. The service does not check it.
Why a digest too: the envelope holds the content, so it goes when that is redacted; the event holds the same
salted digest, which stays.
"""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TABLES = ("tasks", "approvals")


def upgrade() -> None:
    """Add the columns."""
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ADD COLUMN signature TEXT")
        op.execute(f"ALTER TABLE {table} ADD COLUMN signature_digest BLOB")


def downgrade() -> None:
    """Drop the columns; the digests of what was signed stay on the record."""
    for table in TABLES:
        for name in ("signature_digest", "signature"):
            op.execute(f"ALTER TABLE {table} DROP COLUMN {name}")
