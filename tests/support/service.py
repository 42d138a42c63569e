"""The real service inside the test's own process: real files, real migrations, a clock that is moved."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from flask import Flask
from sqlalchemy import Connection, func, select
from werkzeug.test import TestResponse

from app.api.service import Service
from app.factory import close_app, create_app
from app.janitor import Janitor
from app.storage.tables import events, tasks
from config.server import ServerSettings
from tests.support import cast, migrated
from tests.support.cast import Person
from tests.support.patience import until

T = TypeVar("T")
NOON = 1_800_000_000_000
"""The instant at which every test begins."""


@dataclass
class Clock:
    """A clock that stands still until a test moves it. Any thread may read it; the lock guards it."""

    at: int = NOON
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self) -> int:
        """Return the present instant in epoch milliseconds."""
        with self._lock:
            return self.at

    def move(self, ms: int) -> None:
        """Let *ms* milliseconds go by."""
        with self._lock:
            self.at += ms


@dataclass(frozen=True)
class Caller:
    """One person at the door of the service; several threads may call at once."""

    app: Flask
    person: Person

    def get(self, path: str, **options: Any) -> TestResponse:  # noqa: ANN401 - what werkzeug's client takes
        """Send ``GET path``; *options* are those of werkzeug's test client."""
        return self.send("GET", path, **options)

    def post(self, path: str, json: object = None, **options: Any) -> TestResponse:  # noqa: ANN401 - the same
        """Send ``POST path`` with *json* as its body; *options* are those of werkzeug's test client."""
        return self.send("POST", path, json={} if json is None else json, **options)

    def send(self, method: str, path: str, **options: Any) -> TestResponse:  # noqa: ANN401 - the same
        """Send a request as this person."""
        headers = {**self.person.headers, **options.pop("headers", {})}
        return self.app.test_client().open(path, method=method, headers=headers, **options)


@dataclass
class RunningService:
    """The service with its cast; ``app.extensions`` and the database are as in production."""

    app: Flask
    clock: Clock
    pool: ThreadPoolExecutor

    @property
    def inside(self) -> Service:
        """The service's own parts: writer, reader, waiting room."""
        found: Service = self.app.extensions["clawtrail"]
        return found

    @property
    def janitor(self) -> Janitor:
        """The one who minds the time: twice a second by itself, unless a test stops it."""
        found: Janitor = self.app.extensions["clawtrail.janitor"]
        return found

    def as_(self, person: Person) -> Caller:
        """Return *person* at the door."""
        return Caller(self.app, person)

    def write(self, act: Callable[[Connection], T]) -> T:
        """Run *act* through the one writer."""
        return self.inside.write(act)

    def read(self, look: Callable[[Connection], T]) -> T:
        """Run *look* on a reading connection."""
        return self.inside.read(look)

    def pass_time(self, ms: int) -> None:
        """Move the clock by *ms* and let the janitor make its round."""
        self.clock.move(ms)
        self.tidy()

    def tidy(self) -> None:
        """Let the janitor make its round now."""
        self.janitor.round()

    def count_events(self, type_: str | None = None) -> int:
        """Return how many events are on the record, of *type_* or of all."""
        query = select(func.count()).select_from(events)
        if type_ is not None:
            query = query.where(events.c.type == type_)
        return self.read(lambda conn: conn.execute(query).scalar()) or 0

    def state_of(self, task_id: str) -> str:
        """Return the state of a task as its row says."""
        query = select(tasks.c.state).where(tasks.c.id == task_id)
        return str(self.read(lambda conn: conn.execute(query).scalar_one()))

    def meanwhile(self, call: Callable[[], T]) -> Future[T]:
        """Run *call* in another thread."""
        return self.pool.submit(call)

    def parked(self, call: Callable[[], T], *, workers: int = 0, results: int = 0) -> Future[T]:
        """Run *call* in another thread and return once so many workers or result waits more are parked."""
        room, doorway = self.inside.room, self.inside.doorway
        before, inside = room.parked(), doorway.inside
        future = self.pool.submit(call)
        wanted = (before[0] + workers, before[1] + results)
        until(
            lambda: (
                future.done() or (room.parked() == wanted and doorway.inside == inside + workers + results)
            )
        )
        assert not future.done(), f"answered at once: {future.result()}"
        return future


@contextmanager
def running_service(data: Path, **settings: Any) -> Iterator[RunningService]:  # noqa: ANN401 - any setting
    """Run the service on the folder *data* with the cast in its database; closed at the end.

    *settings* are those of ``ServerSettings``. On a folder that was served before, it goes on
    with what is there.
    """
    clock: Clock = settings.pop("clock", None) or Clock()
    chosen = {"shared_token": cast.OLD.token, "rate_limit": "none", **settings}
    is_new = not (data / "clawtrail.db").exists()
    migrated.lay(data)
    app = create_app(ServerSettings(data=data, **chosen), clock=clock)
    pool = ThreadPoolExecutor(max_workers=16, thread_name_prefix="meanwhile")
    running = RunningService(app, clock, pool)
    try:
        if is_new:
            running.write(lambda conn: cast.hire(conn, now=clock()))
            running.inside.tokens.refresh()
        yield running
    finally:
        close_app(app)
        pool.shutdown()
