"""The same task on huey: one SQLite file with fsync, results kept in it."""

import os
import subprocess

from huey import SqliteHuey

from benchmarks.driving import Call

# The longest pause between two looks for a result. huey's own default is a second, which would
# measure the pause; shorter than this, twenty clients keep the machine busy with looking.
LOOK_SECONDS = float(os.environ.get("BENCH_HUEY_LOOK", "0.005"))

huey = SqliteHuey(filename=os.environ.get("BENCH_HUEY_FILE", "huey.db"), fsync=True, timeout=30)


def run_true() -> int:
    """Spawn `true` and return its exit code."""
    return subprocess.run(["true"], check=False).returncode


spawn = huey.task()(run_true)


def new_call() -> Call:
    """Return a function that submits one task and waits for its result."""

    def call() -> None:
        result = spawn()
        code = result.get(blocking=True, timeout=60, backoff=1.0, max_delay=LOOK_SECONDS)
        if code != 0:
            raise RuntimeError("huey: the task failed")

    return call
