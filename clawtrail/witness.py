"""The client as a witness: what it saw of a server's record last, and whether the record only grew since."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from clawtrail import fields
from clawtrail.errors import BadAnswer, NotConfigured, RecordAlarm
from clawtrail.formats import witnessing
from clawtrail.formats.notes import BadKey, Verifier
from clawtrail.formats.spelling import Misspelled, bytes_of
from clawtrail.formats.witnessing import Alarm, MemoryUnreadable, Seen
from clawtrail.remembering import Memory
from clawtrail.transport import Question, Transport


@dataclass(frozen=True, slots=True)
class Witnessed:
    """A checkpoint that fits all that was seen before: the signed note, its size, the key, the size before.

    ``before`` is None when nothing was remembered: then the record was taken on trust.
    """

    note: str
    size: int
    key: str
    before: int | None


def memory_of(url: str, folder: Path | None = None) -> Memory:
    """Return where the record of the server at *url* is remembered: in *folder*, else in the state folder."""
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return Memory(folder or state / "clawtrail", url)


def look(
    transport: Transport,
    folder: Path | None,
    *,
    key: str | None = None,
    also: str | None = None,
    fresh: bool = False,
) -> Witnessed:
    """Compare the newest checkpoint with the remembered one, and with the note *also*; remember it.

    *key* is the verifier key to believe; without it the remembered one is, or at first what the server
    says. *fresh* takes nothing into account that is remembered. Raises ``RecordAlarm``, and then what is
    remembered stays as it is; ``NotConfigured`` for a memory or a key that cannot be used.
    """
    memory = memory_of(transport.url, folder)
    try:
        with memory.alone():
            before = None if fresh else _recalled(memory, key)
            verifier = before.verifier if before else _parsed(key or _shown_key(transport))
            note = _text(transport, "/log/checkpoint")
            if also is not None:
                _follow(transport, _kept(also, verifier, note), note)
            seen = _follow(transport, before, note) if before else witnessing.meet(note, verifier)
            memory.keep(seen)
    except Alarm as alarm:
        remembered = None if alarm.remembered is None else alarm.remembered.note
        raise RecordAlarm(
            str(alarm), fault=alarm.fault, remembered=remembered, shown=alarm.shown, told=alarm.told()
        ) from None
    except (MemoryUnreadable, OSError) as error:
        raise NotConfigured(
            f"What is remembered of the record, {memory.file}, is of no use: {error}."
        ) from None
    return Witnessed(note, seen.size, str(verifier), before.size if before else None)


def _follow(transport: Transport, seen: Seen, note: str) -> Seen:
    return witnessing.follow(seen, note, lambda old, new: _prove(transport, old, new))


def _prove(transport: Transport, old: int, new: int) -> Sequence[bytes]:
    question = Question("GET", "/log/proof/consistency", query={"from": old, "to": new})
    try:
        return [bytes_of(text, length=32) for text in fields.texts(transport.ask(question).content, "hashes")]
    except Misspelled as error:
        raise BadAnswer(f"{transport.url} answers with a malformed proof: {error}.") from None


def _kept(also: str, verifier: Verifier, note: str) -> Seen:
    try:
        return witnessing.meet(also, verifier)
    except Alarm as alarm:
        reason = f"The note kept elsewhere is not of this record: {alarm}"
        raise RecordAlarm(
            reason,
            fault=alarm.fault,
            remembered=also,
            shown=note,
            told=f"{reason}.\n\nKept elsewhere:\n\n{also}\nShown now:\n\n{note}",
        ) from None


def _recalled(memory: Memory, key: str | None) -> Seen | None:
    seen = memory.recall()
    return None if seen is None or key not in (None, str(seen.verifier)) else seen


def _shown_key(transport: Transport) -> str:
    return _text(transport, "/log/key").strip()


def _text(transport: Transport, path: str) -> str:
    return transport.ask(Question("GET", path, plain=True)).text


def _parsed(key: str) -> Verifier:
    try:
        return Verifier.parse(key)
    except BadKey as error:
        raise NotConfigured(f"{key[:200]!r} is no verifier key: {error}.") from None
