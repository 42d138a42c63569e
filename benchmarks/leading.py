"""`python -m benchmarks.leading`: whoever comes first leads, beside a writer with a thread of its own."""

import queue
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from app.domain.ids import TaskIds
from app.services.submitting import Order, submit
from app.storage import engine, migrating
from app.storage.writer import Writer

SECONDS = 1.0
ROUNDS = 5
CALLERS = (1, 4, 16, 32)

Act = Callable[[Connection], object]


class OwnThread:
    """A writer with one thread that performs what the others hand it, all that waits in one act."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._line: queue.SimpleQueue[tuple[Act, threading.Lock]] = queue.SimpleQueue()
        threading.Thread(target=self._work, daemon=True).start()

    def perform(self, act: Act) -> None:
        """Hand *act* over and wait until it is committed."""
        gate = threading.Lock()
        gate.acquire()
        self._line.put((act, gate))
        gate.acquire()

    def _work(self) -> None:
        while True:
            batch = [self._line.get()]
            while not self._line.empty():
                batch.append(self._line.get())
            self._writer.perform(partial(_all, batch))
            for _act, gate in batch:
                gate.release()


def _all(batch: list[tuple[Act, threading.Lock]], conn: Connection) -> None:
    for act, _gate in batch:
        act(conn)


def _submit(order: Order, conn: Connection) -> None:
    submit(conn, [order], actor="client:ada", now=1)


def load(perform: Callable[[Act], object], callers: int) -> tuple[float, float]:
    """Let *callers* threads submit back to back; return acts a second and the median ms of one."""
    ids, took = TaskIds(), [list[float]() for _ in range(callers)]
    until = time.perf_counter() + SECONDS

    def one(times: list[float]) -> None:
        while (began := time.perf_counter()) < until:
            order = Order(id=ids(), kind="command", payload='{"command":"true"}', timeout_ms=1000)
            perform(partial(_submit, order))
            times.append(time.perf_counter() - began)

    threads = [threading.Thread(target=one, args=(times,)) for times in took]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    every = sorted(second for times in took for second in times)
    return len(every) / SECONDS, every[len(every) // 2] * 1000


def main() -> None:
    """Measure both in turn on one database and print the median of the rounds."""
    with tempfile.TemporaryDirectory() as folder:
        writing = engine.writing_engine(Path(folder) / "clawtrail.db")
        migrating.upgrade(writing)
        writer = Writer(writing, committed=lambda _events: None, failed=lambda: None)
        own = OwnThread(writer)
        for callers in CALLERS:
            first, second = [], []
            for _ in range(ROUNDS):
                first.append(load(writer.perform, callers))
                second.append(load(own.perform, callers))
            for name, found in (("who comes first", first), ("own thread", second)):
                rate = sorted(r for r, _ in found)[ROUNDS // 2]
                median = sorted(m for _, m in found)[ROUNDS // 2]
                print(f"{callers:3} callers, {name:16} {rate:8.0f} acts/s, median {median:6.2f} ms")


if __name__ == "__main__":
    main()
