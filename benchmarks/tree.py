"""What the Merkle tree costs the writer, and how long proofs and receipts take beside a long past."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import requests
from sqlalchemy import Connection

from app.services import checkpoints, receipts, record, tree
from app.storage import engine, migrating, tiles
from app.storage.tables import events
from app.storage.writer import Writer
from benchmarks.figures import Figure, median, percentile
from benchmarks.filling import fill
from benchmarks.leading import load
from benchmarks.service import Service
from benchmarks.setting import Setting
from clawtrail.formats import merkle
from clawtrail.formats.notes import Signer

CALLERS = (1, 16)
TASKS = 1_250_000
EVENTS_OF_A_TASK = 4
RECEIPT_MS = 20.0


def measure(setting: Setting) -> list[Figure]:
    """Load the writer with and without tiles in turn, then ask for proofs of a filled database."""
    return [*_writing(setting), *_proving(setting)]


def _writing(setting: Setting) -> list[Figure]:
    """Submit from several threads, on two databases, one of which keeps no tiles."""
    folder = setting.place("tree")
    rates: dict[str, list[float]] = {}
    with _writer(folder / "with.db") as with_tiles, _writer(folder / "without.db") as without:
        for number in range(setting.pick(15, 2)):
            for callers in CALLERS:
                # Each goes first in every other round.
                for kept in (True, False) if number % 2 else (False, True):
                    rate = _load(with_tiles if kept else without, callers, with_tiles=kept)
                    rates.setdefault(f"{callers} {kept}", []).append(rate)
            setting.say("tree: " + ", ".join(f"{name} {values[-1]:.0f}/s" for name, values in rates.items()))
    return [
        Figure(
            what=f"acts of the writer with tiles, {callers} at a time",
            unit="/s",
            ours=median(rates[f"{callers} True"]),
            reference=median(rates[f"{callers} False"]),
            reference_name="the same without tiles",
            limit=0.9,
            at_least=True,
            runs={name: values for name, values in rates.items() if name.startswith(f"{callers} ")},
        )
        for callers in CALLERS
    ]


@contextmanager
def _writer(database: Path) -> Iterator[Writer]:
    writing = engine.writing_engine(database)
    migrating.upgrade(writing)
    writer = Writer(writing, committed=lambda _events: None, failed=lambda: None)
    yield writer
    writer.farewell(lambda _conn: None)
    writing.dispose()


def _load(writer: Writer, callers: int, *, with_tiles: bool) -> float:
    closing = tiles.close_full
    if not with_tiles:
        vars(tiles)["close_full"] = lambda _conn, _before, _after: None
    try:
        return load(writer.perform, callers)[0]
    finally:
        vars(tiles)["close_full"] = closing


def _proving(setting: Setting) -> list[Figure]:
    """Time proofs and receipts on a reading connection, and receipts over HTTP."""
    database = _filled(setting)
    reading = engine.reading_engine(database, connections=1)
    signer = Signer.generate("benchmark")
    with reading.connect() as conn:
        size = tree.size(conn)
        signed = checkpoints.draw_up(conn, signer, now=0)
        some = [random.randrange(size) for _ in range(setting.pick(500, 50))]
        tasks = [_task_of(conn, seq) for seq in some]
        took = {
            "reading and folding a tile of 256": [_timed(partial(_fold, conn, seq)) for seq in some],
            "inclusion proof": [_timed(partial(tree.inclusion, conn, seq, size)) for seq in some],
            "consistency proof": [_timed(partial(tree.consistency, conn, seq + 1, size)) for seq in some],
            "signing a checkpoint": [_timed(partial(checkpoints.draw_up, conn, signer, now=0)) for _ in some],
            "receipt": [_timed(partial(_receipt, conn, task, signed)) for task in tasks],
        }
    reading.dispose()
    took["receipt over HTTP"] = _over_http(setting, database.parent, tasks)
    return [
        Figure(
            what=f"{what}, {size:,} events",
            unit="ms",
            ours=median(values),
            limit=RECEIPT_MS if what.startswith("receipt") else None,
            absolute=True,
            note=f"99 of 100 within {percentile(values, 99):.2f} ms",
        )
        for what, values in took.items()
    ]


def _filled(setting: Setting) -> Path:
    """Return a database with five million events of a million and a quarter finished tasks."""
    folder = setting.place("tree-filled")
    with ExitStack() as stack:
        service = Service(stack, folder)
        service.serve()
        service.work(slots=1)
        done = str(service.run_true(requests.Session())["taskId"])
    with ExitStack() as stack:
        service.stack = stack
        service.serve()
        waiting = str(service.run_true(requests.Session(), wait_ms=0)["taskId"])
    tasks = setting.pick(TASKS, 5000)
    setting.say(f"tree: filling a database with {tasks * EVENTS_OF_A_TASK:,} events")
    fill(service.database, finished=done, pending=waiting, counts=(tasks, 1), now=time.time_ns() // 1_000_000)
    return service.database


def _task_of(conn: Connection, seq: int) -> str:
    """Return the task of the first event from *seq* on that has one."""
    query = events.select().where(events.c.seq >= seq, events.c.task_id.is_not(None)).order_by(events.c.seq)
    return str(conn.execute(query.limit(1)).one().task_id)


def _receipt(conn: Connection, task_id: str, signed: checkpoints.Signed) -> str:
    return receipts.write(conn, task_id, record.list_task_events(conn, task_id), signed)


def _fold(conn: Connection, seq: int) -> bytes:
    """Do what closing a tile costs beside its INSERT, for a full tile before *seq*."""
    return merkle.fold(tiles.hashes(conn, 0, max(0, seq // tiles.WIDTH - 1), tiles.WIDTH))


def _over_http(setting: Setting, folder: Path, tasks: list[str]) -> list[float]:
    with ExitStack() as stack:
        service = Service(stack, folder)
        setting.say("tree: receipts over HTTP")
        service.serve()
        session = requests.Session()
        session.headers.update(service.headers)

        def ask(task: str) -> None:
            answer = session.get(f"{service.url}/tasks/{task}/receipt", timeout=10)
            assert answer.text.startswith("clawtrail receipt"), answer.text

        return [_timed(partial(ask, task)) for task in tasks]


def _timed(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return (time.perf_counter() - begin) * 1000
