"""Writing receipts: a task's events with their proofs, and the contents that these events vouch for."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256

from sqlalchemy import Connection

from app.domain.event_types import EventType
from app.services import lookup, outcomes, tree
from app.services.checkpoints import Signed
from app.services.tree import Tree
from app.storage.tables import AnyRow
from clawtrail.formats import receipts
from clawtrail.formats.receipts import Content, Entry


def write(conn: Connection, task_id: str, events: Sequence[AnyRow], signed: Signed) -> str:
    """Return the receipt of a task with these *events* of it, all of them covered by *signed*.

    Contents that are gone (redacted) are left out. A content that is not what its event vouches
    for is put in as it is, so that who checks the receipt hears of it. Raises ``TaskNotFound``,
    ``RecordDamaged``.
    """
    grown = Tree(conn, signed.size)
    task = lookup.get_task(conn, task_id)
    left = {b64encode(row.digest).decode(): row for row in lookup.list_outcomes(conn, task_id)}
    entries = []
    for event in events:
        entry = Entry(text=tree.text_of(event), index=event.seq, proof=tuple(grown.inclusion(event.seq)))
        outcome = left.get(outcomes.digest_in(event.detail))
        if event.type == EventType.TASK_SUBMITTED:
            entry = _with_payload(entry, task)
        elif outcome is not None and outcome.salt is not None:
            entry = _with_outcome(conn, entry, outcome)
        entries.append(entry)
    return receipts.build(entries, signed.note)


def _with_payload(entry: Entry, task: AnyRow) -> Entry:
    if task.payload is None or task.payload_salt is None:
        return entry
    return replace(entry, payload=Content(task.payload_salt, task.payload))


def _with_outcome(conn: Connection, entry: Entry, outcome: AnyRow) -> Entry:
    told = Content(outcome.salt, outcomes.text_of(outcome._asdict()))
    return replace(
        entry,
        outcome=told,
        stdout=_stream(conn, outcome, "stdout", outcome.stdout_digest),
        stderr=_stream(conn, outcome, "stderr", outcome.stderr_digest),
    )


def _stream(conn: Connection, outcome: AnyRow, stream: str, digest: bytes | None) -> bytes | None:
    """Return the kept bytes of a stream; None when it was empty, or when they are gone."""
    if digest is None:
        return None
    chunks = outcomes.chunks(conn, outcome.task_id, outcome.attempt, stream)
    data = b"".join(bytes(chunk.data) for chunk in chunks)
    # Output that came after a late outcome is not what that one vouches for.
    if not chunks or (not outcome.accepted and sha256(outcome.salt + data).digest() != digest):
        return None
    return data
