"""Bytes on the disk per small command task, with its events, its outcome and all indexes."""

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import requests

from benchmarks.figures import Figure
from benchmarks.service import Service
from benchmarks.setting import Setting

LIMIT_BYTES = 1536


def measure(setting: Setting) -> list[Figure]:
    """Run tasks through server and worker; compare the database file before and after."""
    folder = setting.place("disk-use")
    found = []
    sizes: list[tuple[int, dict[str, int]]] = [_run(folder, 20)]
    for tasks in setting.pick((1000, 10_000), (100,)):
        setting.say(f"disk use: {tasks} tasks")
        sizes.append(_run(folder, tasks))
        before, after = sizes[-2:]
        per_task = (after[0] - before[0]) / tasks
        parts = {name: (size - before[1].get(name, 0)) / tasks for name, size in after[1].items()}
        told = ", ".join(
            f"{name} {size:.0f}" for name, size in sorted(parts.items(), key=lambda one: -one[1]) if size >= 1
        )
        found.append(
            Figure(
                what=f"disk per small command task, over {tasks:,}",
                unit="bytes",
                ours=per_task,
                limit=LIMIT_BYTES,
                absolute=True,
                note=told,
            )
        )
    return found


def _run(folder: Path, tasks: int) -> tuple[int, dict[str, int]]:
    """Run *tasks* tasks; return the size of the file and of each table and index, after a stop."""
    with ExitStack() as stack:
        service = Service(stack, folder)
        service.serve()
        service.work(slots=8)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(_runner(service), range(tasks)))
    conn = sqlite3.connect(service.database)
    conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size: int = conn.execute(
        "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
    ).fetchone()[0]
    try:
        parts = dict(conn.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name"))
    except sqlite3.OperationalError:  # built without dbstat
        parts = {}
    conn.close()
    return size, parts


def _runner(service: Service) -> Callable[[int], object]:
    session = requests.Session()
    session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=8))
    return lambda _number: service.run_true(session)
