"""Databases with a long past, made once and kept in the folder for temporary files."""

import hashlib
import os
import shutil
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import requests

from benchmarks.filling import fill
from benchmarks.processes import ROOT
from benchmarks.service import Service
from benchmarks.setting import Setting


def past(setting: Setting, *, finished: int, pending: int) -> Path:
    """Return the folder of a database with so many tasks; a finished one has five events.

    It is for copying: nobody else may use it.
    """
    name = f"clawtrail-past-{os.getuid()}-{finished}-{pending}-{_schema()}"
    kept = Path(tempfile.gettempdir()) / name
    if kept.exists():
        return kept
    setting.say(f"filling a database with {finished:,} finished tasks, once")
    making = setting.place(f"filling-{finished}")
    with ExitStack() as stack:
        service = Service(stack, making)
        service.serve()
        service.work(slots=1)
        done = str(service.run_true(requests.Session())["taskId"])
        note = {"taskId": done, "type": "noted", "details": {"by": "benchmark"}}
        url = f"{service.url}/worker/event"
        requests.post(url, json=note, headers=service.headers, timeout=10).raise_for_status()
    with ExitStack() as stack:
        service.stack = stack
        service.serve()
        waiting = str(service.run_true(requests.Session(), wait_ms=0)["taskId"])
    fill(
        service.database,
        finished=done,
        pending=waiting,
        counts=(finished, pending),
        now=int(time.time() * 1000),
    )
    shutil.rmtree(making / "worker", ignore_errors=True)
    making.rename(kept)
    return kept


def _schema() -> str:
    """Return a few digits that change with the tables, so that no older database is measured."""
    digest = hashlib.sha256()
    for migration in sorted((ROOT / "migrations" / "versions").glob("*.py")):
        digest.update(migration.read_bytes())
    return digest.hexdigest()[:8]
