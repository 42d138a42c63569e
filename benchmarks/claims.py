"""One claim beside a million finished and ten thousand pending tasks, against one on an empty table."""

import hashlib
import json
import os
import shutil
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import requests

from benchmarks.figures import Figure, median
from benchmarks.filling import fill
from benchmarks.loading import Connection, encode
from benchmarks.processes import ROOT
from benchmarks.service import TOKEN, Service
from benchmarks.setting import Setting

FINISHED, PENDING = 1_000_000, 10_000
WORKER = {"workerId": "claimer", "session": "claimer", "kinds": ["command"], "labels": [], "version": "bench"}
# inFlight 1: the server must not take back what earlier answers brought, which we never start.
CLAIM = encode("POST", "/worker/sync", TOKEN, {**WORKER, "free": 1, "leases": [], "inFlight": 1, "wait": 0})
SUBMIT = encode("POST", "/tasks", TOKEN, {"argv": ["true"], "timeout": 5000})


def measure(setting: Setting) -> list[Figure]:
    """Submit and claim on both servers in turn; only the claims are timed."""
    folder = setting.place("claims")
    filled = _filled(setting)
    took: dict[str, list[float]] = {"filled": [], "empty": []}
    with ExitStack() as stack:
        setting.say("claims: copying the filled database")
        shutil.copytree(filled, folder / "filled")
        (folder / "empty").mkdir()
        connections = {}
        for name in took:
            service = Service(stack, folder / name)
            service.serve()
            connections[name] = Connection(service.port)
        for number in range(-20, setting.pick(500, 50)):
            for name, connection in connections.items():
                milliseconds = _claim(connection)
                if number >= 0:
                    took[name].append(milliseconds)
    return [
        Figure(
            what="one claim with 1,000,000 finished and 10,000 pending tasks",
            unit="ms",
            ours=median(took["filled"]),
            reference=median(took["empty"]),
            reference_name="an empty table",
            limit=1.3,
            runs=took,
            note="only 20,000 and 1,000 in a quick run" if setting.quick else "",
        )
    ]


def _claim(connection: Connection) -> float:
    """Submit a task, then claim one; return the milliseconds of the claim."""
    status, body = connection.ask(SUBMIT)
    assert status == 200, body
    begin = time.perf_counter()
    status, body = connection.ask(CLAIM)
    took = (time.perf_counter() - begin) * 1000
    assert status == 200, body
    assert len(json.loads(body)["tasks"]) == 1, body
    return took


def _schema() -> str:
    """Return a few digits that change with the tables, so that no older database is measured."""
    digest = hashlib.sha256()
    for migration in sorted((ROOT / "migrations" / "versions").glob("*.py")):
        digest.update(migration.read_bytes())
    return digest.hexdigest()[:8]


def _filled(setting: Setting) -> Path:
    """Return the folder of a filled database, made once and kept in the folder for temporary files."""
    finished, pending = setting.pick(FINISHED, 20_000), setting.pick(PENDING, 1000)
    name = f"clawtrail-filled-{os.getuid()}-{finished}-{pending}-{_schema()}"
    kept = Path(tempfile.gettempdir()) / name
    if kept.exists():
        return kept
    setting.say(f"claims: filling a database with {finished:,} finished tasks, once")
    making = setting.place("filling")
    with ExitStack() as stack:
        service = Service(stack, making)
        service.serve()
        service.work(slots=1)
        done = str(service.run_true(requests.Session())["taskId"])
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
