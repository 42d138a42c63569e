"""Receipts of a real database, signed by a key that the tests know."""

from __future__ import annotations

from sqlalchemy import Connection, select

from app.services import outcomes
from app.storage.tables import AnyRow, events, tasks
from app.storage.tables import outcomes as ends
from clawtrail.formats import canonical, checkpoints, merkle, receipt_text, receipts
from clawtrail.formats.checkpoints import Checkpoint
from clawtrail.formats.leaves import event_text, leaf
from clawtrail.formats.merkle import Subtrees
from clawtrail.formats.notes import Signer
from clawtrail.formats.receipts import Content, Entry
from tests.support.database import Database

SIGNER = Signer("record.example/one", bytes(range(32)))


def entries_of(db: Database, task_id: str) -> tuple[list[Entry], str]:
    """Return an entry for each event of the task with all content that is kept, and a signed checkpoint."""
    return db.read(lambda conn: _entries(conn, task_id))


def receipt_of(db: Database, task_id: str) -> str:
    """Return the receipt of the task."""
    return receipts.build(*entries_of(db, task_id))


def signed(texts: list[str], **content: Content) -> str:
    """Return a receipt of a record that has these events and no other, with *content* at each of them.

    Nobody checks what the events say.
    """
    leaves = [leaf(text) for text in texts]
    note = checkpoints.sign(Checkpoint(SIGNER.name, len(leaves), merkle.root(leaves)), SIGNER)
    entries = []
    for seq, text in enumerate(texts):
        proof = tuple(merkle.inclusion(seq, len(leaves), subtrees(leaves)))
        entries.append(
            Entry(
                text=text,
                index=seq,
                proof=proof,
                payload=content.get("payload"),
                outcome=content.get("outcome"),
            )
        )
    return receipt_text.encode(entries, note)


def subtrees(leaves: list[bytes]) -> Subtrees:
    """Return where proofs over these leaves find the roots of perfect subtrees."""
    return lambda level, index: merkle.fold(leaves[index << level : index + 1 << level])


def _entries(conn: Connection, task_id: str) -> tuple[list[Entry], str]:
    rows = conn.execute(select(events).order_by(events.c.seq)).all()
    leaves = [bytes(row.leaf) for row in rows]
    checkpoint = Checkpoint(SIGNER.name, len(leaves), merkle.root(leaves))
    mine = [row for row in rows if row.task_id == task_id]
    return [_entry(conn, row, leaves) for row in mine], checkpoints.sign(checkpoint, SIGNER)


def _entry(conn: Connection, row: AnyRow, leaves: list[bytes]) -> Entry:
    text = event_text(
        seq=row.seq,
        at=row.at,
        type_=row.type,
        task_id=row.task_id,
        attempt=row.attempt,
        actor=row.actor,
        detail=row.detail,
    )
    proof = tuple(merkle.inclusion(row.seq, len(leaves), subtrees(leaves)))
    if row.type == "task.submitted":
        return Entry(text=text, index=row.seq, proof=proof, payload=_payload(conn, row.task_id))
    if '"outcome":' not in row.detail:
        return Entry(text=text, index=row.seq, proof=proof)
    outcome, streams = _outcome(conn, row)
    return Entry(
        text=text,
        index=row.seq,
        proof=proof,
        outcome=outcome,
        stdout=streams.get("stdout"),
        stderr=streams.get("stderr"),
    )


def _payload(conn: Connection, task_id: str) -> Content:
    row = conn.execute(select(tasks).where(tasks.c.id == task_id)).one()
    return Content(row.payload_salt, row.payload)


def _outcome(conn: Connection, row: AnyRow) -> tuple[Content, dict[str, bytes]]:
    """Return the accepted outcome of the event's attempt, and its streams where there are any."""
    end = conn.execute(
        select(ends).where(ends.c.task_id == row.task_id, ends.c.attempt == row.attempt, ends.c.nr == 0)
    ).one()
    said = {name: getattr(end, name) for name in ("exit_code", "reason", "error", "duration_ms", "metadata")}
    said |= {"stdout_bytes": end.stdout_bytes, "stderr_bytes": end.stderr_bytes, "truncated": end.truncated}
    streams = {}
    for stream in outcomes.STREAMS:
        digest = getattr(end, f"{stream}_digest")
        said[stream] = None if digest is None else digest.hex()
        if digest is not None:
            kept = outcomes.chunks(conn, row.task_id, row.attempt, stream)
            streams[stream] = b"".join(chunk.data for chunk in kept)
    return Content(end.salt, canonical.text(said)), streams
