"""Group commit, counted at the kernel's door: many acts, one sync of the disk."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.failing_disk import FailingDisk
from tests.support.processes import REPOSITORY, clean_environ

PROGRAM = """
import sys, threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tests.support import acts
from tests.support.database import Database
from tests.support.failing_disk import FailingDisk
from tests.support.patience import until

db, disk = Database(Path(sys.argv[1])), FailingDisk(Path(sys.argv[2]))
acts.submit(db)
inside, go = threading.Event(), threading.Event()

def hold(conn):
    inside.set()
    assert go.wait(20)

with ThreadPoolExecutor(61) as pool:
    held = pool.submit(db.write, hold)
    assert inside.wait(5)
    before = disk.syncs()
    waiting = [pool.submit(acts.submit, db) for _ in range(60)]
    until(lambda: len(db.writer._line) == 60)
    go.set()
    ids = {future.result() for future in waiting}
print(len(ids), disk.syncs() - before)
before = disk.syncs()
for _ in range(5):
    acts.submit(db)
print(disk.syncs() - before)
db.close()
"""


def test_sixty_acts_that_wait_cost_two_syncs(tmp_path: Path) -> None:
    """Sixty submits that came while the writer was busy are durable by two syncs; five in a row take five."""
    faults = tmp_path / "faults"
    faults.mkdir()
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path), str(faults)],
        cwd=REPOSITORY,
        env=clean_environ() | FailingDisk(faults).environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.stdout.split() == ["60", "2", "5"], ran
