"""`python -m benchmarks.keeping`: what a day of tasks weighs, what exports and backups take."""

import argparse
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from app.factory import close_app, create_app
from app.services import claiming, finishing, reporting, submitting
from app.services.attempts import Reporter
from app.services.claiming import Worker
from app.services.outcomes import Outcome
from app.services.reporting import Grounds
from app.services.submitting import Order
from benchmarks import filling
from clawtrail.formats.spelling import base64_of
from config.server import ServerSettings

DAY_MS = 86_400_000
DAYS_OF = (100, 1_000, 10_000)
WIM = Worker("wim", ("command",))
BY = Reporter("worker:wim", "wim")
TRUE = '{"argv":["true"]}'
GROUNDS = Grounds("commands of the demo folder", base64_of(b"d" * 32), base64_of(b"p" * 32))
"""What a worker says with a start."""


@dataclass
class Clock:
    """A clock that is moved on."""

    at: int = 1_800_000_000_000

    def __call__(self) -> int:
        """Return the present instant."""
        return self.at


class Day:
    """A service in this process through which tasks go as they do in a day, one after the other.

    The record is signed while they come: each task that comes alone costs a checkpoint.
    """

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.app = create_app(ServerSettings(data=folder), clock=self.clock)
        self.service = self.app.extensions["clawtrail"]

    def run(self, *, every_ms: int, output: bytes) -> str:
        """Take one task through its life, sign what came of it, and let time go by."""
        write, now = self.service.write, self.clock
        order = Order(id=self.service.new_id(), kind="command", payload=TRUE, timeout_ms=30_000)
        write(lambda conn: submitting.submit(conn, [order], actor="client:ada", now=now()))
        self.service.signing.keep_up()
        [claimed] = write(lambda conn: claiming.claim(conn, worker=WIM, free=1, now=now()))
        write(lambda conn: reporting.start(conn, claimed.lease, GROUNDS, by=BY, now=now()))
        self.clock.at += 600
        if output:
            write(
                lambda conn: reporting.output(
                    conn, claimed.lease, stream="stdout", offset=0, data=output, by=BY, now=now()
                )
            )
        outcome = Outcome(0, "exit", None, 600, None, len(output), 0, truncated=False)
        write(lambda conn: finishing.result(conn, claimed.lease, outcome, by=BY, now=now()))
        self.clock.at += 1_000
        self.service.signing.keep_up()
        self.clock.at += max(0, every_ms - 1_600)
        return order.id

    def close(self) -> None:
        """Stop the service."""
        close_app(self.app)


def main() -> int:
    """Measure what was asked for, and print it as tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.keeping", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="length of the long record")
    parser.add_argument("--days", type=int, nargs="*", default=DAYS_OF, help="tasks a day")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="clawtrail-keeping-") as folder:
        _growth(Path(folder), given.days)
        _long_record(Path(folder), given.events)
    return 0


def _growth(folder: Path, days: list[int]) -> None:
    print("| tasks a day | output each | bytes a day | bytes a task | a year |")
    print("|---|---|---|---|---|")
    for tasks in days:
        for output in (b"", os.urandom(5_000).hex().encode()):
            place = folder / f"day-{tasks}-{len(output)}"
            day = Day(place)
            before = _size(place)
            for _ in range(tasks):
                day.run(every_ms=DAY_MS // tasks, output=output)
            day.close()
            grown = _size(place) - before
            cells = (f"{tasks:,}", f"{len(output):,}", f"{grown:,}", f"{grown / tasks:,.0f}")
            print(f"| {' | '.join(cells)} | {grown * 365 / 1e9:.2f} GB |", flush=True)


def _size(folder: Path) -> int:
    """Return the bytes of the database, as they are after its log is brought into it."""
    conn = sqlite3.connect(f"file:{folder / 'clawtrail.db'}?mode=ro", uri=True)
    [(size,)] = conn.execute(
        "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
    ).fetchall()
    conn.close()
    return int(size)


def _long_record(folder: Path, events: int) -> None:
    print("\n| command | events | seconds | most memory |")
    print("|---|---|---|---|")
    for count in (events // 100, events):
        place = folder / f"long-{count}"
        day = Day(place)
        finished = day.run(every_ms=0, output=b"")
        order = Order(id=day.service.new_id(), kind="command", payload=TRUE, timeout_ms=30_000)
        day.service.write(
            lambda conn, order=order: submitting.submit(conn, [order], actor="client:ada", now=1)
        )
        day.close()
        database = place / "clawtrail.db"
        filling.fill(
            database, finished=finished, pending=order.id, counts=(count // 4, 0), now=2_000_000_000_000
        )
        for name in ("jsonl", "csv", "ocsf"):
            _time(place, count, "audit", "export", "--format", name, "-o", str(place / f"out.{name}"))
        _time(place, count, "backup", str(place / "copy.db"))


def _time(data: Path, count: int, *arguments: str) -> None:
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "clawtrail", *arguments],
        env={**os.environ, "CLAWTRAIL_DATA": str(data)},
        stdout=subprocess.DEVNULL,
    )
    most = 0
    while process.poll() is None:
        most = max(most, _peak(process.pid))
        time.sleep(0.02)
    seconds = time.perf_counter() - began
    if process.returncode:
        raise SystemExit(f"clawtrail {' '.join(arguments)} ended with {process.returncode}")
    shown = " ".join(arguments[:4] if arguments[0] == "audit" else arguments[:1])
    print(f"| {shown} | {count:,} | {seconds:.1f} | {most / 1024:.0f} MiB |", flush=True)


def _peak(pid: int) -> int:
    """Return the most memory that a process had so far, in KiB; what its parent had does not count."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    found = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(found[0]) if found else 0


if __name__ == "__main__":
    sys.exit(main())
