"""Checkpoints: the record's size and root, signed; every one is kept, and each must fit the record."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, insert, select

from app.domain.errors import RecordDamaged
from app.domain.event_types import EventType
from app.services import record, tree
from app.storage.prepared import Prepared
from app.storage.tables import checkpoints, events
from clawtrail.formats import notes
from clawtrail.formats.checkpoints import Checkpoint, CheckpointRejected, open_checkpoint, sign
from clawtrail.formats.notes import NoteRejected, Signer

SERVER = "system:server"


class RecordContradicted(Exception):
    """The record is not what its newest checkpoint says; the message says in what, and what to do."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A checkpoint as it is kept: what was signed, the signed note itself, and when (epoch ms)."""

    size: int
    root: bytes
    note: str
    signed_at: int


_NEWEST = Prepared(select(checkpoints).order_by(checkpoints.c.size.desc()).limit(1))
_INSERT = Prepared(insert(checkpoints))
_INSTANT = Prepared(select(events.c.at).where(events.c.seq == bindparam("seq")))


def find_newest(conn: Connection) -> Signed | None:
    """Return the checkpoint of the largest size, or None before the first one."""
    row = _NEWEST.first(conn)
    return None if row is None else Signed(row.size, row.root, row.note, row.signed_at)


def find_instant(conn: Connection, seq: int) -> int | None:
    """Return when event *seq* happened (epoch ms), or None while there is no such event."""
    found: int | None = _INSTANT.scalar(conn, {"seq": seq})
    return found


def draw_up(conn: Connection, signer: Signer, *, now: int) -> Signed:
    """Return a checkpoint of the record as *conn* sees it, signed, but not kept yet.

    A reading connection will do: the record only grows.
    """
    size = tree.size(conn)
    root = tree.root(conn, size)
    return Signed(size, root, sign(Checkpoint(signer.name, size, root), signer), now)


def keep(conn: Connection, drawn: Signed) -> Signed:
    """Keep *drawn* unless one of its size or a larger one is kept; return the newest that is.

    Call it inside the writer; it may be called again.
    """
    newest = find_newest(conn)
    if newest is not None and newest.size >= drawn.size:
        return newest
    _INSERT.run(
        conn,
        {"size": drawn.size, "root": drawn.root, "note": drawn.note, "signed_at": drawn.signed_at},
    )
    return drawn


def check(conn: Connection, signer: Signer, *, accept: bool, now: int) -> None:
    """Compare the record with its newest checkpoint, as a server does when it starts.

    A checkpoint signed with another key is no fault: ``key.changed`` says so on the record. A
    record that is not what was signed raises ``RecordContradicted``. With *accept* it goes on the
    record instead (``record.contradicted``), unless events are gone: then numbers of the record
    would be given twice. Call it inside the writer.
    """
    newest = find_newest(conn)
    if newest is None:
        return
    signers = _signers_of(newest)
    fault = _fault(newest, signer, signers, root=_root_of(conn, newest))
    if fault is not None and not accept:
        raise RecordContradicted(
            f"The record contradicts its checkpoint of {newest.size} events: {fault}. Somebody changed the "
            "database, or the disk did. Look closer with `clawtrail audit verify` and go back to a backup, "
            "or start once with CLAWTRAIL_ACCEPT_CONTRADICTION=true, which goes on the record.",
        )
    if fault is not None:
        record.append(
            conn,
            EventType.RECORD_CONTRADICTED,
            at=now,
            actor=SERVER,
            size=newest.size,
            signed_root=b64encode(newest.root).decode(),
            fault=fault,
        )
    if signers and _name_of(signer) not in signers:
        record.append(
            conn, EventType.KEY_CHANGED, at=now, actor=SERVER, key=str(signer.verifier), before=signers
        )


def _root_of(conn: Connection, newest: Signed) -> bytes:
    """Return the root that the record has at the size of *newest*; refuse a record without all its events."""
    size = tree.size(conn)
    try:
        if newest.size <= size:
            return tree.root(conn, newest.size)
    except RecordDamaged:
        pass
    raise RecordContradicted(
        f"The record ends with event {size - 1}, and a checkpoint of {newest.size} events was signed: "
        "not all of them are there. Numbers must not be given twice, so it is not served. Look closer with "
        "`clawtrail audit verify`, then go back to a backup with `clawtrail restore`.",
    )


def _fault(newest: Signed, signer: Signer, signers: list[str], *, root: bytes) -> str | None:
    if root != newest.root:
        return "the events are not those that were signed"
    if not signers:
        return "its note is not a signed note"
    try:
        if _name_of(signer) in signers:
            said = open_checkpoint(newest.note, signer.verifier)
            if (said.size, said.root) != (newest.size, newest.root):
                return "its note says something else"
    except CheckpointRejected as error:
        return str(error)
    return None


def _signers_of(signed: Signed) -> list[str]:
    """Return who signed a checkpoint, as name and id of each key; none for a note that is none."""
    try:
        _text, signatures = notes.parse_note(signed.note)
    except NoteRejected:
        return []
    return [f"{one.name}+{one.key_id.hex()}" for one in signatures]


def _name_of(signer: Signer) -> str:
    return f"{signer.name}+{signer.verifier.key_id.hex()}"
