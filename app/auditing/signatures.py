"""The signed checkpoints of a record: whether their keys vouch for what the record is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.auditing.faults import Faults
from app.auditing.lives import Facts, Handler, Row
from app.domain.event_types import EventType
from clawtrail.formats import checkpoints, notes
from clawtrail.formats.checkpoints import CheckpointRejected
from clawtrail.formats.notes import NoteRejected, Verifier
from clawtrail.formats.spelling import base64_of


@dataclass(slots=True)
class _Unknown:
    """Checkpoints of one key that was not given."""

    first: int
    last: int
    count: int = 0


class Signatures:
    """Checks one stored checkpoint after the other against the keys that are known. For one thread."""

    def __init__(self, verifiers: Sequence[Verifier], faults: Faults) -> None:
        self._known = {f"{one.name}+{one.key_id.hex()}": one for one in verifiers}
        self._faults = faults
        self._unknown: dict[str, _Unknown] = {}
        self._changes: list[tuple[int, list[str]]] = []
        self._newest_is_known = True
        self.newest = 0
        self.checked = 0
        self.handlers: dict[str, Handler] = {EventType.KEY_CHANGED.value: self._changed}

    def check(self, size: int, root: bytes, note: str, *, computed: bytes) -> None:
        """Check one checkpoint as it is stored; *computed* is the root that the events have at its size."""
        self.newest, self.checked = size, self.checked + 1
        if root != computed:
            signed, is_ = base64_of(root), base64_of(computed)
            self._wrong(size, f"signed is the root {signed}, but the events before it have {is_}")
        try:
            said = self._open(size, note)
        except (CheckpointRejected, NoteRejected) as error:
            self._wrong(size, str(error))
        else:
            if (said.size, said.root) != (size, root):
                self._wrong(size, f"its note speaks of {said.size} events or another root")

    def finish(self) -> list[str]:
        """Return which signatures could not be checked, since their keys were replaced.

        Without any key none is checked. A key that no ``key.changed`` tells of is a fault, and so is a
        newest checkpoint of another key than those that are known.
        """
        if not self._known:
            return ["No signature was checked, since no key was given."] if self.checked else []
        if not self._newest_is_known:
            self._wrong(self.newest, f"it is the newest, and signed by none of {', '.join(self._known)}")
        unchecked = []
        for name, its in self._unknown.items():
            if not any(name in before and seq >= its.last for seq, before in self._changes):
                self._wrong(its.last, f"signed by {name}, of which the record knows nothing")
                continue
            unchecked.append(
                f"{its.count} checkpoints of {its.first} to {its.last} events are signed by {name}, a key "
                "that was replaced: their signatures were not checked. Give it with --key to have that done."
            )
        return unchecked

    def _open(self, size: int, note: str) -> checkpoints.Checkpoint:
        text, signed_by = notes.parse_note(note)
        signers = [f"{one.name}+{one.key_id.hex()}" for one in signed_by]
        self._newest_is_known = True
        for signer in signers:
            if signer in self._known:
                return checkpoints.vouch(text, signed_by, self._known[signer])
        self._newest_is_known = False
        its = self._unknown.setdefault(signers[0], _Unknown(size, size))
        its.last, its.count = size, its.count + 1
        return checkpoints.parse(text)

    def _changed(self, row: Row, facts: Facts, _digest: str | None) -> None:
        self._changes.append((row[0], list(facts["before"])))

    def _wrong(self, size: int, what: str) -> None:
        self._faults.add(f"the checkpoint of {size} events: {what}", seq=size - 1)
