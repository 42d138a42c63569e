"""The same task on rq: redis as queue and as result store."""

import os
import subprocess

import redis
import rq

from benchmarks.driving import Call

URL = f"redis://127.0.0.1:{os.environ.get('BENCH_REDIS_PORT', '6379')}/8"


def run_true() -> int:
    """Spawn `true` and return its exit code."""
    return subprocess.run(["true"], check=False).returncode


def new_call() -> Call:
    """Return a function that submits one task and waits for its result."""
    queue = rq.Queue("bench", connection=redis.Redis.from_url(URL))

    def call() -> None:
        job = queue.enqueue("benchmarks.peers.on_rq.run_true")
        result = job.latest_result(timeout=60)
        if result is None or result.return_value != 0:
            raise RuntimeError("rq: the task failed")

    return call
