"""Reading the output of a task while it grows."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, func, select

from app.domain.states import FINISHED, State
from app.services import lookup
from app.storage.tables import output, tasks

MAX_BYTES = 1024 * 1024
MAX_PIECES = 256

_ATTEMPT = select(tasks.c.attempt).where(tasks.c.id == bindparam("id"))
_FROM = (
    select(output.c.offset, output.c.data)
    .where(
        output.c.task_id == bindparam("id"),
        output.c.attempt == bindparam("attempt"),
        output.c.stream == bindparam("stream"),
        output.c.offset + func.length(output.c.data) > bindparam("start"),
    )
    .order_by(output.c.offset)
    .limit(MAX_PIECES)
)


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of a stream. ``next`` is where to go on; ``skipped`` were left out before ``data``."""

    data: bytes
    next: int
    skipped: int
    done: bool


def read_output(conn: Connection, task_id: str, *, stream: str, start: int) -> Piece:
    """Return up to 1 MiB of a stream from byte *start* on; raises ``TaskNotFound``.

    Stops before a gap unless it begins with it, so that ``data`` is always one run of bytes.
    """
    done = State(lookup.get_state(conn, task_id)) in FINISHED
    attempt = conn.execute(_ATTEMPT, {"id": task_id}).scalar()
    rows = conn.execute(_FROM, {"id": task_id, "attempt": attempt, "stream": stream, "start": start})
    data, at, skipped, whole = bytearray(), start, 0, True
    for number, (offset, chunk) in enumerate(rows, 1):
        if len(data) >= MAX_BYTES or (offset > at and data):
            whole = False
            break
        if offset > at:
            skipped, at = offset - at, offset
        data += chunk[at - offset :]
        at = offset + len(chunk)
        whole = number < MAX_PIECES  # a full page may have more behind it
    rows.close()
    return Piece(bytes(data), at, skipped, done and whole)
