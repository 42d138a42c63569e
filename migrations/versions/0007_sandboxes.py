"""Which sandboxes a worker has.

What: the column `sandboxes` of `workers`, a list in JSON as the worker's last sync told it; NULL for a worker
that has not said.
Why here and not on the record: it is a state of that machine, which may change without an act of anybody. The
sandbox of one run is told in the metadata of its outcome.
"""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.execute("ALTER TABLE workers ADD COLUMN sandboxes TEXT")


def downgrade() -> None:
    """Drop it; a worker tells it anew with its next sync."""
    op.execute("ALTER TABLE workers DROP COLUMN sandboxes")
