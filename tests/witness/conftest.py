"""A real server, and a real worker that witnesses its record, looking often."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from clawtrail import Client
from clawtrail.remembering import Memory
from tests.support.patience import until
from tests.support.processes import Server, Worker, start_server, start_worker
from tests.support.typing_commands import clawtrail

OFTEN = {"CLAWTRAIL_WORKER_WITNESS_PERIOD": "0.1", "CLAWTRAIL_WORKER_WAIT": "300"}


@dataclass
class Pair:
    """A server on ``data`` and a worker on ``state``, with a client of Ada's."""

    data: Path
    state: Path
    server: Server
    worker: Worker
    ada: Client

    @property
    def size(self) -> int:
        """The size of the record that the worker remembers; 0 for none."""
        seen = Memory(self.state, self.server.url).recall()
        return 0 if seen is None else seen.size

    @property
    def alarms(self) -> list[Path]:
        """The alarms that stand."""
        return sorted(self.state.glob("alarm-*.txt"))

    def alarm(self) -> str:
        """Wait for an alarm and return what its file says."""
        until(lambda: self.alarms, within=20)
        return self.alarms[0].read_text()

    def has_seen(self, size: int) -> None:
        """Wait until the worker remembers a record of at least *size* events."""
        until(lambda: self.size >= size or self.alarms, within=20)
        assert not self.alarms, self.alarm()

    def grow(self) -> int:
        """Run a task, wait until the worker has seen a checkpoint that covers it, and return its size."""
        self.ada.run("true", timeout=20)
        self.has_seen(len(self.events("%")))
        return self.size

    def syncs_again(self) -> None:
        """Wait until the worker has been answered three more times, and so had the chance to claim."""
        before = self._syncs()
        until(lambda: self._syncs() >= before + 3, within=20)

    def _syncs(self) -> int:
        return self.server.logs().count("/worker/sync")

    def events(self, type_: str) -> list[dict[str, Any]]:
        """Return the details of all events of *type_*, as the database has them."""
        with closing(sqlite3.connect(self.data / "clawtrail.db")) as conn:
            rows = conn.execute("SELECT detail FROM events WHERE type LIKE ?", (type_,)).fetchall()
        return [json.loads(detail) for (detail,) in rows]

    def clawtrail(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run one of our own commands, with the token at hand."""
        at_hand = {"WORKER_TOKEN": self.server.token, "WORKER_URL": self.server.url}
        return clawtrail(*arguments, **at_hand | environ)

    @contextmanager
    def serving(self, data: Path) -> Iterator[Client]:
        """Run another server on *data* for a while, and give a client of it."""
        with start_server(data) as other, other.client() as client:
            yield client


Start = Callable[..., Pair]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a server and a worker that looks at the record ten times a second."""
    with ExitStack() as stack:

        def both(*, await_online: bool = True, **environ: str) -> Pair:
            data, state = tmp_path / "data", tmp_path / "state"
            server = stack.enter_context(start_server(data))
            worker = start_worker(server, state, environ=OFTEN | environ, await_online=await_online)
            return Pair(
                data, state, server, stack.enter_context(worker), stack.enter_context(server.client())
            )

        yield both


@pytest.fixture
def pair(start: Start) -> Pair:
    """A server and a worker that has seen its record."""
    started = start()
    started.has_seen(1)
    return started
