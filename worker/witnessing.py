"""The worker's memory of the record: what it was shown, whether it only grew, and the alarm if it did not."""

import logging
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from clawtrail.formats import witnessing
from clawtrail.formats.notes import BadKey, Verifier
from clawtrail.formats.witnessing import Alarm, Seen
from clawtrail.remembering import Memory
from worker import items
from worker.alarms import Alarms
from worker.client import Server
from worker.errors import BadAnswer, Refused, Rejected, ServerTrouble
from worker.reporting import Outbox, Parcel
from worker.slots import Slots

log = logging.getLogger(__name__)

QUIET_S = 600.0
"""After so long without a checkpoint in an answer it is asked for; so is a service that showed no record."""

GLANCE_S = 2.0
"""How often is looked whether somebody has cleared the alarm that stands."""

REFUSALS = 3
"""The so-manieth refusal of a service to prove that its record grew is an alarm."""


class Witness:
    """Remembers the newest checkpoint and compares the next with it, in a thread of its own: ``run``.

    ``size_to_say``, ``answered`` and ``interrupted`` are for the threads that sync; they never wait for a
    comparison. ``_changed`` guards all fields that both sides use. Comparisons are at least *period*
    seconds apart, but for the first one and the one after an outage.
    """

    def __init__(
        self,
        server: Server,
        slots: Slots,
        outbox: Outbox,
        memory: Memory,
        alarms: Alarms,
        *,
        key: Verifier | None,
        period: float,
        halts: bool,
    ) -> None:
        """Recall what was seen, and the alarms that stand.

        *key* is the only one to believe, None that of the first checkpoint ever. With *halts* nothing is
        claimed while an alarm stands. Raises ``MemoryUnreadable``, ``OSError``.
        """
        self._server = server
        self._slots = slots
        self._outbox = outbox
        self._memory = memory
        self._alarms = alarms
        self._key = key
        self._period = period
        self._halts = halts
        self._said: set[str] = set()
        self._refusals = 0
        self._filed = False
        self._changed = threading.Condition()
        self._seen = self._recalled()
        self._met = False
        """Whether the record was looked at since the service last failed to answer."""
        self._lost = False
        """Whether the service failed to answer, and has not answered since."""
        self._heard: str | None = None
        self._next = 0.0
        self._alarmed = False
        if standing := alarms.standing():
            self._stand(standing)

    # For the threads that sync

    def size_to_say(self) -> int | None:
        """Return the size to name in a sync, so that its answer brings a newer checkpoint; None for now."""
        with self._changed:
            wants = self._met and self._heard is None and not self._alarmed and self._next <= _now()
            return self._seen.size if wants and self._seen is not None else None

    def answered(self, note: str | None) -> None:
        """Take note of an answered sync, and of the checkpoint that it brought."""
        if note is None and not self._lost:  # the common case takes no lock
            return
        with self._changed:
            if self._lost:  # who answers may have another record by now
                self._lost, self._next = False, 0.0
            self._heard = note or self._heard
            self._changed.notify_all()

    def interrupted(self) -> None:
        """Take note of a sync without an answer: with the next answer the record is looked at anew."""
        with self._changed:
            self._lost, self._met, self._heard = True, False, None

    # The thread of its own

    def run(self) -> None:
        """Compare, for ever."""
        while True:
            self._wait()
            if self._alarmed and not self._is_cleared():
                continue
            try:
                self._look()
            except Alarm as alarm:
                self._raise(alarm)
            except (ServerTrouble, Rejected) as trouble:
                self._put_off(trouble)

    def _wait(self) -> None:
        with self._changed:
            while (pause := self._pause()) > 0:
                self._changed.wait(pause)

    def _pause(self) -> float:
        """Seconds until there may be something to do; under the lock."""
        if self._lost and not self._alarmed:
            return QUIET_S
        waits = self._met and self._heard is None and not self._alarmed
        return self._next + (QUIET_S if waits else 0.0) - _now()

    def _look(self) -> None:
        with self._changed:
            note, self._heard = self._heard if self._met else None, None
            self._met = True
        before = self._seen
        seen = self._follow(self._server.checkpoint()) if note is None else self._follow_heard(note)
        if seen is not before:
            self._keep(seen)
        with self._changed:
            self._seen, self._next = seen, _now() + self._period
        self._refusals = 0
        self._slots.halt(on=False)

    def _follow_heard(self, note: str) -> Seen:
        try:
            return self._follow(note)
        except Alarm as alarm:
            if alarm.fault != "shrank":
                raise
        # Two syncs may be on their way, and the older answer may come last. This one cannot be old.
        return self._follow(self._server.checkpoint())

    def _follow(self, note: str) -> Seen:
        if self._seen is not None:
            return witnessing.follow(self._seen, note, lambda old, new: self._prove(note, old, new))
        return witnessing.meet(note, self._key or self._shown_key())

    def _prove(self, note: str, old: int, new: int) -> Sequence[bytes]:
        try:
            return self._server.consistency(old, new)
        except Rejected as refusal:
            self._refusals += 1
            if self._refusals < REFUSALS:
                raise
            reason = f"The service does not prove that its record grew from {old} events to {new}: {refusal}"
            raise Alarm("unproven", reason, shown=note, remembered=self._seen) from refusal

    def _shown_key(self) -> Verifier:
        try:
            return Verifier.parse(self._server.log_key())
        except BadKey as error:
            raise BadAnswer(f"the service shows no verifier key: {error}") from error

    def _recalled(self) -> Seen | None:
        seen = self._memory.recall()
        if seen is None or self._key is None or str(self._key) == str(seen.verifier):
            return seen
        return None  # the key to believe was changed by who set it

    def _keep(self, seen: Seen) -> None:
        if self._seen is None:
            about = {"key": str(seen.verifier), "size": seen.size}
            log.info("the record is remembered from here on", extra={"fields": about})
        try:
            self._memory.keep(seen)
        except OSError as error:
            self._say("the newest checkpoint cannot be kept for the next start", error)

    def _put_off(self, trouble: ServerTrouble | Rejected) -> None:
        """Look again later. A service that has no log, or not for this worker, is no reason to halt."""
        closed = isinstance(trouble, Rejected | Refused) and not self._refusals
        with self._changed:
            self._met = False
            self._next = _now() + (QUIET_S if closed else self._period)
        if closed:
            self._say("the service does not show its record", trouble)
            self._slots.halt(on=False)

    def _raise(self, alarm: Alarm) -> None:
        self._slots.halt(on=self._halts)
        with self._changed:
            self._alarmed = True
        before = "none" if alarm.remembered is None else alarm.remembered.note
        about = {"reason": str(alarm), "remembered": before, "shown": alarm.shown}
        log.critical("the record is not the one seen before", extra={"fields": about})
        try:
            self._stand([self._alarms.keep(alarm, url=self._memory.url)])
        except OSError as error:
            self._say("the alarm cannot be written down; it stands until this worker ends", error)
        self._refusals = 0
        self._outbox.tell(Parcel([items.alarm(alarm)], give_up=self._is_gone))

    def _stand(self, files: Sequence[Path]) -> None:
        self._alarmed = self._filed = True
        self._slots.halt(on=self._halts)
        about = {"alarm": ", ".join(map(str, files)), "claims": "nothing" if self._halts else "on"}
        log.critical(
            "an alarm stands until you clear it: clawtrail worker --accept-record", extra={"fields": about}
        )

    def _is_gone(self) -> bool:
        return self._filed and not self._alarms.standing()

    def _is_cleared(self) -> bool:
        """Look whether a person has cleared the alarm; what the memory holds then is what counts."""
        cleared = self._is_gone()
        seen = self._recalled() if cleared else None
        with self._changed:
            self._heard = None
            if cleared:
                self._seen, self._met, self._alarmed = seen, False, False
            else:
                self._next = _now() + GLANCE_S
        if cleared:
            self._filed = False
            log.warning("the alarm was cleared; looking at the record again")
        return cleared

    def _say(self, sentence: str, error: Exception) -> None:
        """Say *sentence* once in this life."""
        if sentence not in self._said:
            self._said.add(sentence)
            log.warning(sentence, extra={"fields": {"error": str(error)}})


def _now() -> float:
    return time.monotonic()
