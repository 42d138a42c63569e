"""The one writer: acts that wait together are committed together, and only then answered."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.domain.errors import OutcomeUnknown, ShuttingDown, StorageFailed
from app.storage import ledger

T = TypeVar("T")
Act = Callable[[Connection], T]

MAX_BATCH = 256
SQLITE_FULL = 13
"""SQLite's number for a disk without room."""


class _Place:
    """One caller's place in the line; ``gate`` is held until the place is answered or promoted."""

    __slots__ = ("act", "answered", "error", "gate", "leads", "result")

    def __init__(self, act: Act[Any]) -> None:
        self.act = act
        self.gate = threading.Lock()
        self.gate.acquire()
        self.leads = False
        self.answered = False
        self.result: Any = None
        self.error: BaseException | None = None


class Writer:
    """Runs acts in transactions, several in one when several wait (group commit).

    ``perform`` may be called by any thread. The caller that finds nobody writing leads: it takes
    all that waits, runs each act in a savepoint, commits once, answers all, and hands the lead to
    the first of those who came meanwhile. So an act alone costs no change of threads.
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
        self._driver_error: type[Exception] = engine.dialect.loaded_dbapi.Error
        self._committed = committed
        self._failed = failed
        self._door = threading.Lock()
        self._line: list[_Place] = []
        self._led = False
        self._closed: StorageFailed | None = None
        self.batches = 0
        self.acts = 0

    def perform(self, act: Act[T]) -> T:
        """Run *act* in a transaction and return what it returned, once that is on the disk.

        An error of the act is raised here and takes back the act alone. Raises ``StorageFailed``
        when the database refused the batch (nothing happened), ``OutcomeUnknown`` when the commit
        itself failed, ``ShuttingDown`` after ``close``.
        """
        place = _Place(act)
        with self._door:
            if self._closed is not None:
                raise type(self._closed)
            self._line.append(place)
            place.leads = not self._led
            self._led = True
        if not place.leads:
            place.gate.acquire()
        if place.leads:
            self._lead()
        if place.error is not None:
            raise place.error
        result: T = place.result
        return result  # type: ignore[no-any-return,unused-ignore]

    def maintain(self, work: Callable[[Any], T]) -> T:
        """Run *work* on the raw driver connection, alone and outside of any transaction."""
        return self.perform(_Maintenance(work))

    def farewell(self, act: Act[Any]) -> None:
        """Take no more acts; return when those in hand and *act* are committed and all is shut.

        After a failed commit nothing more is written, not even *act*.
        """
        last = _Place(act)
        with self._door:
            self._closed = self._closed or ShuttingDown()
            self._line.append(last)
            last.leads = not self._led
            self._led = True
        if not last.leads:
            last.gate.acquire()
        if last.leads:
            self._lead()
        self._conn.close()

    def _lead(self) -> None:
        with self._door:
            batch, self._line = self._line[:MAX_BATCH], self._line[MAX_BATCH:]
        try:
            self._run(batch)
        finally:
            _answer(batch)
            with self._door:
                following = self._line[0] if self._line else None
                self._led = following is not None
            if following is not None:
                following.leads = True
                following.gate.release()

    def _run(self, batch: list[_Place]) -> None:
        if len(batch) > 1 and any(isinstance(place.act, _Maintenance) for place in batch):
            for place in batch:
                self._run([place])
            return
        if isinstance(self._closed, OutcomeUnknown):  # these stood in line when a commit failed
            _refuse(batch, StorageFailed, None)
            return
        if isinstance(batch[0].act, _Maintenance):
            self._run_maintenance(batch[0])
            return
        events: list[ledger.Event] = []
        try:
            self._run_acts(batch)
            events = ledger.write(self._conn)
        except (DBAPIError, self._driver_error) as error:
            self._take_back(batch, error)
        except BaseException as error:
            # A fault of ours: whoever leads hears of it, and nobody is told that his act was done.
            self._take_back(batch, error)
            raise
        else:
            events = self._commit(batch, events)
        self.batches += 1
        self.acts += len(batch)
        _answer(batch)
        if events:
            self._committed(events)

    def _run_acts(self, batch: list[_Place]) -> None:
        alone = len(batch) == 1
        for place in batch:
            mark = ledger.mark(self._conn)
            if not alone:
                self._raw("SAVEPOINT act")
            try:
                place.result = place.act(self._conn)
            except DBAPIError as error:
                if not isinstance(error, IntegrityError):
                    raise
                place.error = error
            except Exception as error:  # noqa: BLE001 - raised again in the thread of its caller
                place.error = error
            if place.error is not None:
                ledger.rewind(self._conn, mark)
                if alone:
                    self._conn.rollback()
                else:
                    self._raw("ROLLBACK TO act")
            if not alone:
                self._raw("RELEASE act")

    def _raw(self, statement: str) -> None:
        if not self._conn.in_transaction():
            self._conn.begin()
        self._conn.connection.driver_connection.execute(statement)  # type: ignore[union-attr]

    def _take_back(self, batch: list[_Place], error: BaseException) -> None:
        _refuse(batch, StorageFailed, error)
        ledger.rewind(self._conn, 0)
        try:
            self._conn.rollback()
        except DBAPIError:
            self._fail()

    def _commit(self, batch: list[_Place], events: list[ledger.Event]) -> list[ledger.Event]:
        try:
            self._conn.commit()
        except DBAPIError as error:
            if getattr(error.orig, "sqlite_errorcode", None) == SQLITE_FULL:
                # The mark of the commit comes last and found no room, so there is no commit.
                self._take_back(batch, error)
                return []
            # The disk may hold the commit or not: only a fresh look at it can tell.
            _refuse(batch, OutcomeUnknown, error)
            self._fail()
            return []
        return events

    def _fail(self) -> None:
        with self._door:
            self._closed = OutcomeUnknown()
        self._failed()

    def _run_maintenance(self, place: _Place) -> None:
        try:
            place.result = place.act(self._conn)
        except Exception as error:  # noqa: BLE001 - raised again in the thread of its caller
            place.error = error
        self._conn.rollback()
        _answer([place])


class _Maintenance:
    """Work on the driver connection that must not share a transaction."""

    def __init__(self, work: Callable[[Any], Any]) -> None:
        self._work = work

    def __call__(self, conn: Connection) -> Any:  # noqa: ANN401 - what the work returns
        driver = conn.connection.driver_connection
        return self._work(driver)


def _refuse(batch: list[_Place], why: type[StorageFailed], cause: BaseException | None) -> None:
    for place in batch:
        place.error = why()
        place.error.__cause__ = cause


def _answer(batch: list[_Place]) -> None:
    for place in batch:
        if not place.answered:
            place.answered = True
            if not place.leads:
                place.gate.release()
