"""The tiles of the Merkle tree and the signed checkpoints.

What: `tiles`, the root of every full tile (256 subtrees, RFC 6962 trees), and `checkpoints`, every
statement of the record's size and root that was ever signed. Both insert-only, as the record is.
Why roots only: the 256 hashes of a tile are `events.leaf` on the lowest level and roots of tiles on
the others, so they are stored already; a root costs 32 bytes where its tile would cost 8 KiB.
The tiles of events that are there already are filled in, 256 events at a time.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from clawtrail.formats import merkle

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WIDTH = 256
INSERT_ONLY = {
    "tiles": "level = NEW.level AND nr = NEW.nr",
    "checkpoints": "size = NEW.size",
}


def upgrade() -> None:
    """Make both tables and fill in the tiles of the record so far."""
    op.create_table(
        "tiles",
        sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("nr", BIG, primary_key=True, autoincrement=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.CheckConstraint("level BETWEEN 0 AND 6"),
        sa.CheckConstraint("nr >= 0"),
        sa.CheckConstraint("length(root) = 32"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "checkpoints",
        sa.Column("size", BIG, primary_key=True, autoincrement=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("signed_at", BIG, nullable=False),
        sa.CheckConstraint("size >= 0"),
        sa.CheckConstraint("length(root) = 32"),
        sqlite_strict=True,
    )
    _fill(op.get_bind())
    for table, same_key in INSERT_ONLY.items():
        for statement in _insert_only(table, same_key):
            op.execute(statement)


def downgrade() -> None:
    """Drop both: the tiles can be computed anew, the signatures are lost."""
    for table in ("checkpoints", "tiles"):
        op.drop_table(table)


def _fill(conn: sa.Connection) -> None:
    size: int = conn.execute(sa.text("SELECT coalesce(max(seq) + 1, 0) FROM events")).scalar_one()
    leaves = sa.text("SELECT leaf FROM events WHERE seq >= :first AND seq < :end ORDER BY seq")
    roots = sa.text(
        "SELECT root FROM tiles WHERE level = :level - 1 AND nr >= :first AND nr < :end ORDER BY nr",
    )
    level, full = 0, size // WIDTH
    while full:
        for nr in range(full):
            span = {"first": nr * WIDTH, "end": (nr + 1) * WIDTH}
            found = conn.execute(roots, {**span, "level": level}) if level else conn.execute(leaves, span)
            hashes = [bytes(row[0]) for row in found]
            if len(hashes) != WIDTH:
                raise ValueError(
                    f"Events are missing from the record: of {WIDTH} in their place on level {level}, "
                    f"nr {nr}, only {len(hashes)} are there. Somebody took them out of the database; "
                    "go back to a backup that has them.",
                )
            conn.execute(
                sa.text("INSERT INTO tiles (level, nr, root) VALUES (:level, :nr, :root)"),
                {"level": level, "nr": nr, "root": merkle.fold(hashes)},
            )
        level, full = level + 1, full // WIDTH


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
