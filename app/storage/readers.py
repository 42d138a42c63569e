"""Connections for looking, kept open and lent out one caller at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine


class Readers:
    """Lends reading connections; the one given back last, whose pages are still warm, goes first.

    A pool that checks and resets a connection at each use costs more than most looks do. What
    is lent here has no transaction open: each statement sees what is committed when it runs.
    Any thread may call it; ``_mutex`` guards the idle ones, ``_some`` bounds how many there are.
    """

    def __init__(self, engine: Engine, *, connections: int) -> None:
        self._engine = engine
        self._mutex = threading.Lock()
        self._some = threading.BoundedSemaphore(connections)
        self._idle: list[Connection] = []

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Lend a connection; wait for one when all are lent."""
        with self._some:
            conn = self._take()
            try:
                yield conn
            finally:
                if conn.in_transaction():  # what went through SQLAlchemy has begun one
                    conn.rollback()
                with self._mutex:
                    self._idle.append(conn)

    def dispose(self) -> None:
        """Close the idle connections and the engine; nobody may look any more."""
        with self._mutex:
            idle, self._idle = self._idle, []
        for conn in idle:
            conn.close()
        self._engine.dispose()

    def _take(self) -> Connection:
        with self._mutex:
            if self._idle:
                return self._idle.pop()
        return self._engine.connect()
