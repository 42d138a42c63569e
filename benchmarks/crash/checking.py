"""What must hold when everything is up again and has settled."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from app.auditing import verifying
from app.domain.states import FINISHED
from app.storage.engine import reading_engine
from benchmarks.crash import marking
from benchmarks.crash.clients import Acknowledged

ENDED = {state.value for state in FINISHED}


@dataclass
class Verdict:
    """How many of what there were, and every fault found; an empty list of faults is a pass."""

    faults: list[str] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)
    events: int = 0
    runs: int = 0


def check(database: Path, marks: Path, told: Acknowledged) -> Verdict:
    """Compare what clients were told and what commands left with the tables and the record.

    Nobody may have *database* open any more.
    """
    conn = sqlite3.connect(database)
    tasks = {row[0]: row for row in conn.execute("SELECT id, state, idempotency_key, attempt FROM tasks")}
    starts = Counter(conn.execute("SELECT task_id, attempt FROM events WHERE type = 'task.started'"))
    events = conn.execute("SELECT count(*) FROM events").fetchone()[0]
    ran = marking.count(marks)
    faults = list(told.faults)
    faults += [
        f"damaged database: {line}" for (line,) in conn.execute("PRAGMA integrity_check") if line != "ok"
    ]
    conn.close()
    faults += [
        f"{task} attempt {attempt} was started {n} times" for (task, attempt), n in starts.items() if n > 1
    ]
    attempts = Counter(task for task, _ in starts)
    states = {task: row[1] for task, row in tasks.items()}
    faults += _lost(told, states)
    faults += _run_wrongly(told, ran, attempts, states)
    faults += _record(database)
    return Verdict(faults, Counter(states.values()), events, sum(ran.values()))


def _lost(told: Acknowledged, states: dict[str, str]) -> Iterator[str]:
    """Every acknowledged task is there, and ended or pending."""
    for token, task in told.tasks.items():
        if task not in states:
            yield f"{token}: the acknowledged task {task} is lost"
        elif states[task] not in ENDED and states[task] != "pending":
            yield f"{token}: the task {task} is still {states[task]}"
    tokens = Counter(told.tasks.values())
    yield from (f"{n} keys were answered with one task {task}" for task, n in tokens.items() if n > 1)


def _run_wrongly(
    told: Acknowledged, ran: Counter[str], attempts: Counter[str], states: dict[str, str]
) -> Iterator[str]:
    """No task ran more often than it was started on the record; what completed did run.

    A command does not know its attempt, so runs are counted against the attempts that were started:
    the same thing for all but idempotent commands, which alone are started more than once.
    """
    for token, task in told.tasks.items():
        if ran[token] > attempts[task]:
            yield f"{token}: ran {ran[token]} times, but {task} was started {attempts[task]} times"
        if told.effects[token] == "mutating" and ran[token] > 1:
            yield f"{token}: a mutating command ran {ran[token]} times"
        if states.get(task) == "completed" and not ran[token]:
            yield f"{token}: {task} is completed, but never ran"
        if told.exit_codes.get(token) == 0 and states.get(task) != "completed":
            yield f"{token}: the client saw exit code 0, but {task} is {states.get(task)}"


def _record(database: Path) -> Iterator[str]:
    """The record has no gap, its leaves are right, and it replays to the tables."""
    engine = reading_engine(database, connections=1)
    with engine.connect() as conn:
        for fault in verifying.verify(conn, verifiers=[], now=0, limit=100).faults:
            yield f"record: {fault}"
    engine.dispose()
