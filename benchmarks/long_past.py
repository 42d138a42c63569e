"""What the service does with a million tasks behind it, against the same with ten thousand."""

import re
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

from benchmarks.figures import Figure, median
from benchmarks.loading import Connection, encode
from benchmarks.past import past
from benchmarks.processes import ROOT
from benchmarks.service import TOKEN, Service
from benchmarks.setting import Setting

LONG, SHORT, PENDING = 1_000_000, 10_000, 100
LIMIT = 1.3
RECEIPT_MS = 20.0
WORKER = {"workerId": "claimer", "session": "claimer", "kinds": ["command"], "labels": [], "version": "bench"}
CLAIM = encode("POST", "/worker/sync", TOKEN, {**WORKER, "free": 1, "leases": [], "inFlight": 1, "wait": 0})
SUBMIT = encode("POST", "/tasks", TOKEN, {"argv": ["true"], "timeout": 5000})
QUESTION = re.compile(r"## ([^\n]+)\n\n```sql (ask|scan)\n(.*?)```", re.DOTALL)
TASK = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

Asks = dict[str, Callable[[], object]]
Took = dict[str, list[float]]


def measure(setting: Setting) -> list[Figure]:
    """Ask both services, in turn, the same over HTTP; then both databases the questions of the cookbook."""
    folder = setting.place("long-past")
    sizes = {"long": setting.pick(LONG, 20_000), "short": setting.pick(SHORT, 1000)}
    for name, finished in sizes.items():
        shutil.copytree(past(setting, finished=finished, pending=PENDING), folder / name)
    note = f"only {sizes['long']:,} against {sizes['short']:,} tasks in a quick run" if setting.quick else ""
    with ExitStack() as stack:
        asks = {name: _requests(stack, folder / name) for name in sizes}
        setting.say("long past: requests")
        took = _in_turn(asks, rounds=setting.pick(200, 20))
    figures = [_figure(what, times, note, LIMIT) for what, times in took.items()]
    receipt = median(took["a receipt"]["long"])
    figures.append(
        Figure(what="a receipt", unit="ms", ours=receipt, limit=RECEIPT_MS, absolute=True, note=note)
    )
    return figures + _cookbook(setting, folder, note)


def _requests(stack: ExitStack, folder: Path) -> Asks:
    """Start the service over *folder* and return what is asked of it, each a call."""
    service = Service(stack, folder)
    with closing(sqlite3.connect(service.database)) as conn:
        middle = conn.execute(
            "SELECT task_id FROM events WHERE type = 'task.completed' AND seq >="
            " (SELECT max(seq) / 2 FROM events) LIMIT 1"
        ).fetchone()[0]
    service.serve()
    connection = Connection(service.port)

    def ask(request: bytes) -> Callable[[], object]:
        def one() -> None:
            status, body = connection.ask(request)
            assert status == 200, body

        return one

    def get(path: str) -> Callable[[], object]:
        return ask(encode("GET", path, TOKEN))

    return {
        "the newest 50 tasks": get("/tasks?limit=50"),
        "the newest 50 completed tasks": get("/tasks?limit=50&state=completed"),
        "one task in detail": get(f"/tasks/{middle}/detail"),
        "the history of one task": get(f"/tasks/{middle}/events"),
        "the newest 50 events": get("/events?limit=50"),
        "one submission": ask(SUBMIT),
        "one claim": ask(CLAIM),
        "a receipt": get(f"/tasks/{middle}/receipt"),
    }


def _in_turn(asks: dict[str, Asks], rounds: int) -> dict[str, Took]:
    """Let the two sides do each thing in turn, *rounds* times; the first tenth warms up."""
    took: dict[str, Took] = {}
    for number in range(-rounds // 10, rounds):
        for what in asks["long"]:
            for side, calls in asks.items():
                begin = time.perf_counter()
                calls[what]()
                if number >= 0:
                    milliseconds = (time.perf_counter() - begin) * 1000
                    took.setdefault(what, {}).setdefault(side, []).append(milliseconds)
    return took


def _cookbook(setting: Setting, folder: Path, note: str) -> list[Figure]:
    """Ask the questions of docs/queries.md; those of a week grow with the week, the others must not grow."""
    setting.say("long past: the questions of docs/queries.md")
    questions = QUESTION.findall((ROOT / "docs" / "queries.md").read_text())
    steady = {title: sql for title, tag, sql in questions if tag == "ask" and "days" not in sql}
    weekly = {title: sql for title, tag, sql in questions if tag == "ask" and "days" in sql}
    whole = {title: sql for title, tag, sql in questions if tag == "scan"}
    figures = [
        _figure(f"question: {title}", _asked(folder, sql, 30), note, LIMIT) for title, sql in steady.items()
    ]
    figures += [
        _figure(f"question of days: {title}", _asked(folder, sql, 3), note) for title, sql in weekly.items()
    ]
    figures += [
        _figure(f"question of all: {title}", _asked(folder, sql, 1), note) for title, sql in whole.items()
    ]
    return figures


def _asked(folder: Path, sql: str, rounds: int) -> Took:
    with ExitStack() as stack:
        asks: dict[str, Asks] = {}
        for side in ("long", "short"):
            path = f"file:{folder / side / 'clawtrail.db'}?mode=ro"
            conn = stack.enter_context(closing(sqlite3.connect(path, uri=True)))
            some = conn.execute("SELECT id FROM tasks LIMIT 1").fetchone()[0]
            asks[side] = {"it": _question(conn, TASK.sub(some, sql))}
        return _in_turn(asks, rounds)["it"]


def _question(conn: sqlite3.Connection, sql: str) -> Callable[[], object]:
    return lambda: conn.execute(sql).fetchall()


def _figure(what: str, took: Took, note: str, limit: float | None = None) -> Figure:
    return Figure(
        what=what,
        unit="ms",
        ours=median(took["long"]),
        reference=median(took["short"]),
        reference_name="a short past",
        limit=limit,
        runs=took,
        note=note,
    )
