"""Putting an older database in the place of the present one: what must not be forgotten by that."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass

from sqlalchemy import Connection, select

from app.domain.errors import IllegalTransition, TaskNotFound
from app.domain.event_types import EventType
from app.services import checkpoints, record, redacting, tree
from app.services.checkpoints import Signed
from app.services.redacting import Content
from app.storage.tables import AnyRow, redactions


@dataclass(frozen=True, slots=True)
class Known:
    """What the database that is to be replaced knows: its newest checkpoint, and what was taken out."""

    newest: Signed | None
    redactions: tuple[AnyRow, ...]


def look(conn: Connection) -> Known:
    """Return what the present database knows, before another takes its place."""
    return Known(checkpoints.find_newest(conn), tuple(conn.execute(select(redactions))))


def contradiction(conn: Connection, known: Known) -> str | None:
    """Say in what the record of *conn* does not go on from the newest checkpoint known; None if it does."""
    newest, size = known.newest, tree.size(conn)
    if newest is None:
        return None
    if newest.size > size:
        return f"it ends after {size} events, and a checkpoint of {newest.size} events was signed"
    if tree.root(conn, newest.size) != newest.root:
        return f"its first {newest.size} events are not those that were signed"
    return None


def begin(conn: Connection, known: Known | None, *, actor: str, now: int) -> list[str]:
    """Put the restoration on the record, and take out again what was taken out since the backup.

    Returns the tasks of which that cannot be done, since they had not ended when the backup was made. Call
    it in the restored database, inside the writer. *known* is None when nothing is known of what was before.
    """
    size = tree.size(conn)
    newest = None if known is None else known.newest
    record.append(
        conn,
        EventType.RECORD_RESTORED,
        at=now,
        actor=actor,
        size=size,
        root=b64encode(tree.root(conn, size)).decode(),
        before_size=None if newest is None else newest.size,
        before_root=None if newest is None else b64encode(newest.root).decode(),
    )
    left = []
    for row in () if known is None else known.redactions:
        try:
            redacting.redact(
                conn, row.task_id, [Content(row.content)], reason=row.reason, actor=actor, now=now
            )
        except IllegalTransition:
            left.append(str(row.task_id))
        except TaskNotFound:  # it is younger than the backup
            continue
    return sorted(set(left))
