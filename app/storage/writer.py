"""The one writer: acts that wait together are committed together, and only then answered."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any, Generic, TypeVar, cast

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.domain.errors import OutcomeUnknown, ShuttingDown, StorageFailed
from app.pauses import aside
from app.storage import ledger
from app.storage.line import Act, Place, answer, refuse
from app.storage.transaction import Transaction

T = TypeVar("T")
One = TypeVar("One")

MAX_BATCH = 256
LEFT = 8
"""One of so many in a line is left to the next batch.

Who has been answered comes again while the next batch goes to the disk. Were the whole line taken each
time, large batches and lonely acts would take turns for ever; so they become alike, and the
interpreter has always something to do beside the disk.
"""
SQLITE_FULL = 13
"""SQLite's number for a disk without room."""


class Writer:
    """Runs acts in transactions, several in one when several wait (group commit).

    ``perform`` may be called by any thread. The caller that finds nobody writing leads: it takes
    all that waits, runs the acts in one transaction, commits once, answers all, and hands the lead
    to the first of those who came meanwhile. So an act alone costs no change of threads.
    ``_door`` guards ``_line``, ``_led`` and ``_closed``; the connection belongs to whoever leads.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        committed: Callable[[Sequence[ledger.Event]], None],
        failed: Callable[[], object],
    ) -> None:
        self._conn = engine.connect()
        self._transaction = Transaction(self._conn)
        driver = engine.dialect.loaded_dbapi
        self._refusals: tuple[type[Exception], ...] = (DBAPIError, driver.Error)
        self._violations: tuple[type[Exception], ...] = (IntegrityError, driver.IntegrityError)
        self._committed = committed
        self._failed = failed
        self._door = threading.Lock()
        self._line: list[Place[Any]] = []
        self._led = False
        self._closed: StorageFailed | None = None
        self.batches = 0
        self.acts = 0

    def perform(self, act: Act[T]) -> T:
        """Run *act* in a transaction and return what it returned, once that is on the disk.

        It may be run a second time when a neighbour failed; it must touch nothing but *conn*.
        An error of the act is raised here and takes back the act alone. Raises ``StorageFailed``
        when the database refused the batch (nothing happened), ``OutcomeUnknown`` when the commit
        itself failed, ``ShuttingDown`` after ``close``.
        """
        place = self.enter(act)
        place.wait()
        return place.take()

    def enter(self, act: Act[T]) -> Place[T]:
        """Let *act* stand in line, to be awaited; else as ``perform``. Who enters must see it through."""
        place = Place(act, self._lead)
        with self._door:
            if self._closed is not None:
                raise type(self._closed)
            self._line.append(place)
            place.leads = not self._led
            self._led = True
        return place

    def maintain(self, work: Callable[[Any], T]) -> T:
        """Run *work* on the raw driver connection, alone and outside of any transaction."""
        return self.perform(_Maintenance(work))

    def farewell(self, act: Act[Any]) -> None:
        """Take no more acts; return when those in hand and *act* are committed and all is shut.

        After a failed commit nothing more is written, not even *act*.
        """
        last = Place(act, self._lead)
        with self._door:
            self._closed = self._closed or ShuttingDown()
            self._line.append(last)
            last.leads = not self._led
            self._led = True
        last.wait()
        if last.leads:
            self._lead()
        self._conn.close()

    def _lead(self) -> None:
        """Do what stands in line, and hand the lead on. For the caller whose place ``leads``."""
        with self._door:
            count = self._next_batch()
            batch, self._line = self._line[:count], self._line[count:]
        try:
            self._run(batch)
        finally:
            answer(batch)
            with self._door:
                following = self._line[0] if self._line else None
                self._led = following is not None
            if following is not None:
                following.leads = True
                following.release()

    def _next_batch(self) -> int:
        """Return how many of the line go together: most, or those before maintenance, or that alone."""
        most = min(MAX_BATCH, len(self._line) - len(self._line) // LEFT)
        for before, place in enumerate(self._line[:most]):
            if isinstance(place.act, _Maintenance):
                return max(1, before)
        return most

    def _run(self, batch: list[Place[Any]]) -> None:
        if isinstance(self._closed, OutcomeUnknown):  # these stood in line when a commit failed
            refuse(batch, StorageFailed, None)
            return
        if isinstance(batch[0].act, _Maintenance):
            self._run_maintenance(batch[0])
            return
        events: list[ledger.Event] = []
        try:
            self._run_acts(batch)
            events = ledger.write(self._conn)
        except self._refusals as error:
            self._take_back(batch, error)
        except BaseException as error:
            # A fault of ours: whoever leads hears of it, and nobody is told that his act was done.
            self._take_back(batch, error)
            raise
        else:
            events = self._commit(batch, events)
        self.batches += 1
        self.acts += len(batch)
        answer(batch)
        if events:
            self._committed(events)

    def _run_acts(self, batch: list[Place[Any]]) -> None:
        """Run the acts one after the other; if one fails, take all back and run each by itself.

        Failing is rare and savepoints cost two statements an act, each of which lets go of the
        interpreter's lock. So an act may be run twice, and must touch nothing but its connection.
        """
        self._transaction.begin()
        try:
            for many, places in groupby(batch, lambda place: getattr(place.act, "many", None)):
                _run_group(self._conn, many, list(places))
        except self._refusals as error:
            if not isinstance(error, self._violations):
                raise
            self._start_over(batch, error)
        except Exception as error:  # noqa: BLE001 - raised again in the thread of its caller
            self._start_over(batch, error)

    def _start_over(self, batch: list[Place[Any]], error: Exception) -> None:
        ledger.rewind(self._conn, 0)
        self._transaction.rollback()
        if len(batch) == 1:
            batch[0].error = error
        else:
            self._run_apart(batch)

    def _run_apart(self, batch: list[Place[Any]]) -> None:
        self._transaction.begin()
        for place in batch:
            mark = ledger.mark(self._conn)
            self._transaction.save()
            try:
                place.result = place.act(self._conn)
            except self._refusals as error:
                if not isinstance(error, self._violations):
                    raise
                place.error = error
            except Exception as error:  # noqa: BLE001 - raised again in the thread of its caller
                place.error = error
            if place.error is not None:
                ledger.rewind(self._conn, mark)
                self._transaction.take_back()
            else:
                self._transaction.release()

    def _take_back(self, batch: list[Place[Any]], error: BaseException) -> None:
        refuse(batch, StorageFailed, error)
        ledger.rewind(self._conn, 0)
        try:
            self._transaction.rollback()
        except self._refusals:
            self._fail()

    def _commit(self, batch: list[Place[Any]], events: list[ledger.Event]) -> list[ledger.Event]:
        try:
            with aside():
                self._transaction.commit()
        except self._refusals as error:
            if getattr(getattr(error, "orig", error), "sqlite_errorcode", None) == SQLITE_FULL:
                # The mark of the commit comes last and found no room, so there is no commit.
                self._take_back(batch, error)
                return []
            # The disk may hold the commit or not: only a fresh look at it can tell.
            refuse(batch, OutcomeUnknown, error)
            self._fail()
            return []
        return events

    def _fail(self) -> None:
        with self._door:
            self._closed = OutcomeUnknown()
        self._failed()

    def _run_maintenance(self, place: Place[Any]) -> None:
        try:
            place.result = place.act(self._conn)
        except Exception as error:  # noqa: BLE001 - raised again in the thread of its caller
            place.error = error
        self._transaction.rollback()
        answer([place])


class Joint(Generic[One, T]):
    """An act that is done in one go with its neighbours of the same sort.

    *many* does several at once: it takes what each is about, in order, and returns what each
    gets. If it raises, they are done one by one, as any acts are.
    """

    def __init__(self, one: One, many: Callable[[Connection, list[One]], list[T]]) -> None:
        self.one = one
        self.many = many

    def __call__(self, conn: Connection) -> T:
        """Do it alone."""
        return self.many(conn, [self.one])[0]


def _run_group(conn: Connection, many: Any, places: list[Place[Any]]) -> None:  # noqa: ANN401 - of any sort of act
    if many is None or len(places) == 1:
        for place in places:
            place.result = place.act(conn)
        return
    results = many(conn, [cast("Joint[Any, Any]", place.act).one for place in places])
    for place, result in zip(places, results, strict=True):
        place.result = result


class _Maintenance(Generic[T]):
    """Work on the driver connection that must not share a transaction."""

    def __init__(self, work: Callable[[Any], T]) -> None:
        self._work = work

    def __call__(self, conn: Connection) -> T:
        driver = conn.connection.driver_connection
        return self._work(driver)
