"""The same task on celery: redis as broker and as result store."""

import os
import subprocess

from celery import Celery

from benchmarks.driving import Call

REDIS = f"redis://127.0.0.1:{os.environ.get('BENCH_REDIS_PORT', '6379')}"
DB = int(os.environ.get("BENCH_REDIS_DB", "0"))

app = Celery("bench", broker=f"{REDIS}/{DB}", backend=f"{REDIS}/{DB + 1}")


def run_true() -> int:
    """Spawn `true` and return its exit code."""
    return subprocess.run(["true"], check=False).returncode


spawn = app.task(name="bench.spawn")(run_true)


def new_call() -> Call:
    """Return a function that submits one task and waits for its result."""

    def call() -> None:
        if spawn.delay().get(timeout=60) != 0:
            raise RuntimeError("celery: the task failed")

    return call
