"""`audit verify` over long records: events a second on one core, and the memory it takes."""

import gc
import json
import sqlite3
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

from app.auditing import schema, verifying
from app.services import checkpoints, claiming, finishing, reporting, submitting, tree
from app.services.attempts import Reporter
from app.services.checkpoints import Signed
from app.services.claiming import Worker
from app.services.outcomes import Outcome
from app.services.submitting import Order
from app.storage import engine, migrating
from app.storage.writer import Writer
from benchmarks.figures import Figure, median
from benchmarks.filling import fill
from benchmarks.processes import ROOT
from benchmarks.setting import Setting
from clawtrail.formats.checkpoints import Checkpoint, sign
from clawtrail.formats.notes import Signer, Verifier

GOAL = 250_000
EVENTS_OF_TASK = 4
SIGNED_EVERY = 1000
NOW = 1_790_000_000_000
WHAT = ("without content", "everything")
ROUNDS = 5
Told = dict[str, float]
"""What one check took."""


def measure(setting: Setting) -> list[Figure]:
    """Verify records of two lengths, without and with their content, each in processes of their own."""
    found: list[Figure] = []
    for events in setting.pick((100_000, 1_000_000), (20_000, 50_000)):
        setting.say(f"audit verify: {events:,} events")
        database = setting.place(f"audit-{events}") / "clawtrail.db"
        key = make(database, events)
        told: dict[str, list[Told]] = {what: [] for what in WHAT}
        for _ in range(setting.pick(ROUNDS, 1)):
            for what in WHAT:
                told[what].append(_told(database, key, what))
        for what in WHAT:
            found += _figures(what, told[what])
    return found


def _told(database: Path, key: str, what: str) -> Told:
    command = [sys.executable, "-m", "benchmarks.auditing", str(database), key, what]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    told: Told = json.loads(done.stdout)
    return told


def _figures(what: str, told: list[Told]) -> list[Figure]:
    events, checkpoints = int(told[0]["events"]), told[0]["checkpoints"]
    rates = [events / one["cpu_s"] for one in told]
    seconds = median([one["wall_s"] for one in told])
    return [
        Figure(
            what=f"audit verify, {what}, {events:,} events",
            unit="events/s",
            ours=median(rates),
            limit=GOAL,
            at_least=True,
            absolute=True,
            runs={"ours": rates},
            note=f"processor time; {min(rates):,.0f} to {max(rates):,.0f} in {len(rates)} rounds; "
            f"{seconds:.1f} s on the clock, {checkpoints} checkpoints",
        ),
        Figure(
            what=f"its memory, {what}, {events:,} events",
            unit="MB",
            ours=max(one["rss_mb"] for one in told),
        ),
    ]


def make(database: Path, events: int) -> str:
    """Make a database with so many events of small commands; return the key that checks its checkpoints."""
    engine.prepare(database)
    writing = engine.writing_engine(database)
    migrating.upgrade(writing)
    writer = Writer(writing, committed=lambda _events: None, failed=lambda: None)
    done, waits = _lived(writer, "done"), _submitted(writer, "waits")
    writer.farewell(lambda _conn: None)
    writing.dispose()
    fill(database, finished=done, pending=waits, counts=(events // EVENTS_OF_TASK - 1, 0), now=NOW)
    conn = sqlite3.connect(database)
    with conn:
        conn.execute(
            "INSERT INTO output SELECT t.id, o.attempt, o.stream, o.offset, o.data, o.at"
            " FROM output o, tasks t WHERE t.id <> o.task_id AND t.finished_at IS NOT NULL",
        )
    conn.close()
    return _sign(database)


def _submitted(writer: Writer, name: str) -> str:
    order = Order(
        id=f"00000000-{name}", kind="command", payload='{"command":"echo hello"}', timeout_ms=30_000
    )
    now = NOW - 10**10
    return writer.perform(lambda conn: submitting.submit(conn, [order], actor="client:ada", now=now))[0]


def _lived(writer: Writer, name: str) -> str:
    """Take one task through its life: four events, an outcome and a line of output."""
    task_id, now = _submitted(writer, name), NOW - 10**10
    wim, by = Worker("wim", ("command",)), Reporter("worker:wim", "wim")
    [claim] = writer.perform(lambda conn: claiming.claim(conn, worker=wim, free=1, now=now))
    grounds = reporting.Grounds("everything", sha256(name.encode()).hexdigest(), "7" * 64)
    writer.perform(lambda conn: reporting.start(conn, claim.lease, grounds, by=by, now=now + 2))
    writer.perform(
        lambda conn: reporting.output(
            conn, claim.lease, stream="stdout", offset=0, data=b"hello\n", by=by, now=now + 8
        )
    )
    outcome = Outcome(0, "exit", None, 6, None, 6, 0, truncated=False)
    writer.perform(lambda conn: finishing.result(conn, claim.lease, outcome, by=by, now=now + 9))
    return task_id


def _sign(database: Path) -> str:
    """Sign a checkpoint of every so many events, as a server does once a second."""
    signer = Signer.generate("benchmark.example/log")
    writing = engine.writing_engine(database)
    with writing.connect() as conn, conn.begin():
        size = tree.size(conn)
        for signed in [*range(SIGNED_EVERY, size, SIGNED_EVERY), size]:
            root = tree.root(conn, signed)
            note = sign(Checkpoint(signer.name, signed, root), signer)
            checkpoints.keep(conn, Signed(signed, root, note, NOW))
    writing.dispose()
    return str(signer.verifier)


def _verify(database: Path, key: str, what: str) -> None:
    """Verify once, and print what it took."""
    verifier = Verifier.parse(key)
    reading = engine.lone_reading_engine(database)
    gc.disable()  # as the command does
    schema.expected()  # the same whatever the length
    with reading.connect() as conn:
        began, cpu = time.perf_counter(), time.process_time()
        report = verifying.verify(conn, verifiers=[verifier], now=NOW, content=what == "everything")
        told = {"cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - began}
    reading.dispose()
    assert not report.faults, report.faults
    print(
        json.dumps({**told, "events": report.size, "checkpoints": report.checkpoints, "rss_mb": _peak_mb()})
    )


def _peak_mb() -> float:
    """Return the most memory that this process had; ``getrusage`` would tell of the one that started it."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    _verify(Path(sys.argv[1]), *sys.argv[2:4])
