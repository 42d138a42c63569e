"""Checking a whole record, or what was added since the last check: everything, in the order of the events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from app.auditing import cell_types, computing, schema
from app.auditing.ends import Ends
from app.auditing.faults import OF_ANOTHER_TYPE, Fault, Faults, FirstFault
from app.auditing.forgotten import Forgotten
from app.auditing.growing import Growing
from app.auditing.lives import Lives
from app.auditing.matching import Matching
from app.auditing.people import TOKEN_COLUMNS, People
from app.auditing.phrases import Phrases
from app.auditing.questions import Questions
from app.auditing.remembering import Seen
from app.auditing.scanning import Row, Scan
from app.auditing.schedules import Schedules
from app.auditing.signatures import Signatures
from app.auditing.stories import Stories
from app.auditing.vouching import Claim, Vouching
from clawtrail.formats.notes import Verifier

SLICE = 16_384
"""Events that are read in one moment; between two such the log of the database may be emptied."""

_TOGETHER = 256
"""How many tasks that lived alike are compared at once: more do not fit into the processor's cache."""
_AT_ONCE = 1024
"""How many tasks that ended wait at most until they are compared."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a check found: no ``faults`` in a good record; ``seen`` is what to remember of it."""

    size: int
    root: bytes
    first: int
    tasks: int
    checkpoints: int
    signed: int
    faults: list[Fault]
    notes: list[str]
    seen: Seen | None


def _unseen(_done: int, _total: int) -> None:
    pass


def verify(
    conn: Connection,
    *,
    verifiers: Sequence[Verifier],
    now: int,
    claims: Sequence[Claim] = (),
    since: Seen | None = None,
    limit: int = 1,
    content: bool = True,
    progress: Callable[[int, int], None] = _unseen,
) -> Report:
    """Check the record that *conn* sees against itself, its signatures and all tables.

    Recomputes every leaf, tile and root, checks every checkpoint with *verifiers*, and compares the
    tables with what the events tell; with *content*, every kept payload, outcome and output with its
    digest too. With *since*, only what came after that check, which is believed. *claims* are roots that
    the record must have had. It stops at *limit* faults. *progress* is called with how many events of
    how many are done.

    *conn* must be a reading connection outside of a transaction. What is finished is read piece by
    piece, each in a moment of its own; the end of the record and what is unfinished in one.
    """
    check = _Check(conn, verifiers, claims, since, limit=limit, content=content)
    try:
        check.run(progress)
    except FirstFault:
        check.settle()
    except (check.scan.error, DBAPIError, TypeError, ValueError) as error:
        # A cell that cannot be read, or one of another type than its column.
        with suppress(FirstFault):
            check.faults.add(f"from here on it cannot be read: {error}", seq=check.growing.size)
    finally:
        check.scan.end()
    return check.report(now=now)


class _Check:
    """One run of a check, with all that takes part in it."""

    def __init__(
        self,
        conn: Connection,
        verifiers: Sequence[Verifier],
        claims: Sequence[Claim],
        since: Seen | None,
        *,
        limit: int,
        content: bool,
    ) -> None:
        self.scan = Scan(conn)
        self.faults = Faults(limit)
        self.growing = Growing(self.scan, self.faults)
        self._since = since
        self._first = 0
        self._signatures = Signatures(verifiers, self.faults)
        self._vouching = Vouching(self.scan, self.faults, self.growing, self._signatures, claims)
        self._lives = Lives(self.faults, self.scan.events_of)
        self._stories = Stories(Phrases(self.scan), self._lives, self.faults)
        self._people = People(self.faults)
        self._forgotten = Forgotten(self.scan, self.faults)
        self._questions = Questions(self.scan, self.faults, self._forgotten, dict(self._lives.handlers))
        self._schedules = Schedules(self.scan, self.faults)
        for other in (self._people, self._forgotten, self._signatures, self._questions, self._schedules):
            self._lives.handlers |= other.handlers
        self._matching = Matching(self.scan, self.faults, self._forgotten, content=content)
        self._notes: list[str] = []
        self._is_complete = False

    def run(self, progress: Callable[[int, int], None]) -> None:
        """Check everything; raises ``FirstFault`` when there are as many faults as were asked for."""
        if not schema.compare(self.scan, self.faults):
            return
        if self._since is not None:
            self._resume(self._since)
        end = self.scan.size()
        while self.growing.size < end:
            self._read(min(self.growing.size + SLICE, end))
            progress(self.growing.size - self._first, end - self._first)
        self.scan.begin()
        self._read(self.scan.size())
        self._compare_ended()
        self._stories.hand_over()
        Ends(self.scan, self.faults, self._lives, self._matching).check(self._since, size=self.growing.size)
        self._questions.compare(size=self.growing.size, whole=self._since is None)
        self._people.compare_tokens(self.scan.tokens())
        self._people.compare_workers(self.scan.workers())
        self._schedules.compare()
        self._forgotten.compare(0 if self._since is None else self._since.redactions)
        self._compare_tiles()
        cell_types.compare_tables(self.scan, self.faults)
        self._finish_signatures()
        self._is_complete = True

    def settle(self) -> None:
        """Compare what still waits to be compared: the fault there may be an earlier one."""
        with self.faults.earliest():
            self._compare_ended()

    def report(self, *, now: int) -> Report:
        """Return what was found so far."""
        size = self.growing.size
        root = self.growing.root_at(size)
        before = self._since or Seen(0, b"", 0)
        seen = Seen(
            size,
            root,
            now,
            before.tasks + self._lives.submitted,
            before.outcomes + self._lives.outcomes,
            before.redactions + len(self._forgotten.told),
            self._people.tokens,
            list(self._people.workers.values()),
            self._schedules.rows(),
        )
        return Report(
            size=size,
            root=root,
            first=self._first,
            tasks=self._lives.submitted,
            checkpoints=self._signatures.checked,
            signed=self._signatures.newest,
            faults=self.faults.found,
            notes=self._notes,
            seen=seen if self._is_complete and not self.faults.found else None,
        )

    def _resume(self, since: Seen) -> None:
        size = self.scan.size()
        if size < since.size:
            self.faults.add(f"the record had {since.size} events at the last check, now it has {size}")
            raise FirstFault
        self.growing.resume(since.size)
        self._first = since.size
        if self.growing.size != since.size or self.growing.root_at(since.size) != since.root:
            self.faults.add("the events up to here are not those of the last check", seq=since.size - 1)
            raise FirstFault
        # Seen by a version that knew fewer columns: those that came later are empty in such a row.
        self._people.tokens = [[*each, None][: len(TOKEN_COLUMNS)] for each in since.tokens]
        self._people.workers = {each[0]: list(each) for each in since.workers}
        self._schedules.resume(since.schedules)

    def _read(self, end: int) -> None:
        """Take the events up to *end*, all in one moment, and what was signed over them."""
        self._vouching.expect(self.growing.size or -1, end)
        first = self.growing.size
        with closing(self.scan.said(first, end)) as cursor:  # left open, it would hold its moment
            while rows := cursor.fetchmany(self.growing.room):
                self._take(rows, first, end)
        if self.growing.size < end:
            self._find_gap(first, end)
        self._vouching.reached(self.growing.size)

    def _take(self, rows: Sequence[Row], first: int, end: int) -> None:
        """Take the next *rows* of those from *first* up to *end*; they are of one tile."""
        place = self.growing.size
        with self.faults.held() as held:
            leaves = self._stories.follow(rows, place)
        if leaves != [row[3] for row in rows]:
            self._find_gap(first, end)  # behind one, all have other numbers than was thought
            computing.compare(leaves, rows, place, self.faults)
        self.growing.add(leaves)
        self._vouching.reached(self.growing.size)
        self.growing.close_if_full()
        self.faults.take(held)
        self._matching.lives(self._stories.take_ended(at_least=_TOGETHER))
        if self._stories.waiting + len(self._lives.ended) >= _AT_ONCE:
            self._compare_ended()

    def _find_gap(self, first: int, end: int) -> None:
        missing = self.scan.first_gap(first, end)
        if missing is not None:
            self.faults.add("this event is missing", seq=missing)
            raise FirstFault  # whatever follows has another place in the tree
        unsound = self.scan.first_unsound(first, end)
        if unsound is not None:
            self.faults.add(OF_ANOTHER_TYPE, seq=unsound)
            raise FirstFault  # it was left out

    def _compare_ended(self) -> None:
        self._matching.lives(self._stories.take_ended())
        ended, self._lives.ended[:] = self._lives.ended[:], []
        self._matching.tasks(ended)
        evidence, self._lives.evidence[:] = self._lives.evidence[:], []
        for one in evidence:
            self._matching.evidence(one)

    def _compare_tiles(self) -> None:
        expected = dict(enumerate(self.growing.closed))
        found = self.scan.tiles()
        if found != {level: count for level, count in expected.items() if count}:
            self.faults.add(f"there are tiles {found} (level: how many), not {expected}")

    def _finish_signatures(self) -> None:
        self._notes += self._vouching.finish()
        unsigned = self.growing.size - self._signatures.newest
        if unsigned > 0 and not self._first:
            last = "The last event is" if unsigned == 1 else f"The last {unsigned} events are"
            self._notes.append(f"{last} not signed; the server signs within a second, and when it starts.")
