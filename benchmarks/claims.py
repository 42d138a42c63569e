"""One claim beside a million finished and ten thousand pending tasks, against one on an empty table."""

import json
import shutil
import time
from contextlib import ExitStack

from benchmarks.figures import Figure, median
from benchmarks.loading import Connection, encode
from benchmarks.past import past
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
    filled = past(setting, finished=setting.pick(FINISHED, 20_000), pending=setting.pick(PENDING, 1000))
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
