"""Tasks that lived alike are checked together, and each as closely as one alone."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from app.auditing import outcome_text, told
from app.auditing.alike import Alike
from app.auditing.content import Content
from app.auditing.details import DIGESTS, digest_in, parse
from app.auditing.faults import Faults
from app.auditing.lives import Lives
from app.auditing.phrases import Phrases
from app.auditing.scanning import Scan
from app.auditing.stories import Ended, Stage, Stories, tell
from app.domain.event_types import EventType
from app.services.outcomes import Outcome
from app.services.reporting import Grounds
from app.storage import engine
from clawtrail.formats import canonical, leaves
from clawtrail.formats.spelling import base64_of
from tests.support import acts
from tests.support.database import Database

TASKS = 12
LEARNED_FROM = 5
"""Tasks that show what follows from what: the submission takes two, each of the other three events one."""
FINE = Outcome(0, "exit", None, 5, None, 3, 0, truncated=False)
COMPARED = {
    "tasks": {*told.COLUMNS, "payload", "payload_salt"},
    "outcomes": set(outcome_text.OUTCOME.split(", ")) - {"task_id", "attempt", "nr"},
    "output": {"attempt", "stream", "data"},
}


def live_alike(db: Database) -> list[str]:
    """Let the same command run some times; return the ids of the tasks."""
    ids = []
    for number in range(TASKS):
        db.now += 1000
        acts.submit(db)
        [claimed] = acts.claim(db)
        acts.start(db, claimed, grounds=Grounds("all", f"{number:064x}", "ab" * 32))
        acts.output(db, claimed, b"hi\n")
        acts.result(db, claimed, FINE)
        ids.append(claimed.task_id)
    return ids


def follow(conn: Connection) -> list[tuple[Stage, list[Ended]]]:
    """Follow the whole record; return the tasks that ended alike."""
    scan, faults = Scan(conn), Faults(limit=1)
    stories = Stories(Phrases(scan), Lives(faults, scan.events_of), faults)
    rows = scan.said(0, scan.size()).fetchall()
    assert stories.follow(rows, 0) == [row[3] for row in rows]
    return stories.take_ended()


def others(db: Database, ended: tuple[Stage, list[Ended]]) -> list[str]:
    """Return the ids of those tasks that are not as the rest."""
    reading = engine.reading_engine(db.path, connections=1)
    with reading.connect() as conn:
        scan = Scan(conn)
        found = Alike(scan, Content(scan, Faults(limit=1))).others(*ended)
    reading.dispose()
    return [task_id for task_id, _life in found]


def test_a_changed_cell_takes_a_task_out_of_its_kind(db: Database) -> None:
    """Whichever cell of a task, its outcome or its output is changed, it alone is looked at closely."""
    ids = live_alike(db)
    [ended] = db.read(follow)
    assert [task_id for task_id, _life in ended[1]] == ids[LEARNED_FROM:]
    assert others(db, ended) == []
    with closing(sqlite3.connect(db.path, isolation_level=None)) as conn:
        for (name,) in conn.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            conn.execute(f"DROP TRIGGER {name}")
        conn.execute("PRAGMA ignore_check_constraints = ON")
        for table, columns in COMPARED.items():
            key = "id" if table == "tasks" else "task_id"
            for column in sorted(columns):
                query = f'SELECT "{column}" FROM {table} WHERE {key} = ?'
                [old] = conn.execute(query, (ids[5],)).fetchone()
                change = f'UPDATE {table} SET "{column}" = ? WHERE {key} = ?'
                for new in _others(old, _types(conn, table)[column]):
                    conn.execute(change, (new, ids[5]))
                    assert others(db, ended) == [ids[5]], f"{table}.{column}: {old!r} became {new!r}"
                conn.execute(change, (old, ids[5]))
        assert others(db, ended) == []


def _types(conn: sqlite3.Connection, table: str) -> dict[str, str]:
    return {row[1]: row[2] for row in conn.execute(f"PRAGMA table_info({table})")}


def _others(old: object, type_: str) -> list[object]:
    if isinstance(old, int):
        return [old + 1]
    if isinstance(old, bytes):
        return [old[:-1] + bytes([old[-1] ^ 1])]
    return [f"{old}x"] if old is not None else [{"TEXT": "x", "BLOB": b"x"}.get(type_, 7)]


def test_rows_too_many_and_too_few_are_seen(db: Database) -> None:
    """A task without its row, with a second outcome or with a second piece of output is looked at closely."""
    ids = live_alike(db)
    [ended] = db.read(follow)
    with closing(sqlite3.connect(db.path, isolation_level=None)) as conn:
        for (name,) in conn.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            conn.execute(f"DROP TRIGGER {name}")
        conn.execute("DELETE FROM tasks WHERE id = ?", (ids[7],))
        conn.execute(
            "INSERT INTO output SELECT task_id, attempt, stream, 3, data, at FROM output WHERE task_id = ?",
            (ids[6],),
        )
        columns = ", ".join(
            row[1] for row in conn.execute("PRAGMA table_info(outcomes)") if row[1] != "attempt"
        )
        conn.execute(
            f"INSERT INTO outcomes (attempt, {columns}) SELECT 2, {columns} FROM outcomes WHERE task_id = ?",
            (ids[9],),
        )
        conn.execute("DELETE FROM output WHERE task_id = ?", (ids[10],))
    assert sorted(others(db, ended)) == sorted([ids[7], ids[6], ids[9], ids[10]])


def test_tasks_between_those_that_ended_do_not_count(db: Database) -> None:
    """Whether few or many others stand between them, tasks are found by their ids, and no other is."""
    ids = live_alike(db)
    [(stage, ended)] = db.read(follow)
    with closing(sqlite3.connect(db.path, isolation_level=None)) as conn:
        conn.execute("UPDATE tasks SET payload = 'x' WHERE id IN (?, ?)", (ids[8], ids[11]))
    for some in (ended[:2] + ended[4:], [ended[0], ended[-1]]):  # without 7 and 8; the first and the last
        assert others(db, (stage, some)) == [ids[11]]


def test_the_same_signature_twice_is_told_of_each_task(db: Database) -> None:
    """Tasks whose events speak of the same signature are followed one by one, and each keeps its digest."""
    digest = base64_of(b"s" * 32)
    detail = canonical.text({"kind": "command", "payload": digest, "signature": digest, "timeout_ms": 1})
    faults = Faults(limit=1)
    lives = Lives(faults, lambda _task_id, _seq: ())
    rows = [(5, f"task-{nr}", f"task.submitted\0null\0client:ada\0{detail}", b"") for nr in range(4)]
    reading = engine.reading_engine(db.path, connections=1)
    with reading.connect() as conn:
        stories = Stories(Phrases(Scan(conn)), lives, faults)
        stories.follow(rows, 0)
        stories.hand_over()
    reading.dispose()
    signed = told.FIXED.index("signature_digest")
    assert [one.fixed[signed] for one in lives.open.values()] == [b"s" * 32] * 4


def test_what_is_told_of_tasks_alike_is_what_is_told_of_one(db: Database) -> None:
    """A task that was followed with others of its kind ends up as the one that was followed by itself."""
    live_alike(db)
    [(_stage, ended)] = db.read(follow)
    reading = engine.reading_engine(db.path, connections=1)
    with reading.connect() as conn:
        lives = Lives(Faults(1), Scan(conn).events_of)
        alone_of = {task_id: lives.find(task_id, before=10**6) for task_id, _life in ended}
    reading.dispose()
    for task_id, life in ended:
        alone = alone_of[task_id]
        assert alone is not None
        together = tell(life)
        for name in together.__slots__:
            assert getattr(together, name) == getattr(alone, name)


def test_what_only_looks_like_a_digest_is_named(db: Database) -> None:
    """Forty-four letters that would end the digest's member and begin another are no digest."""
    ids = live_alike(db)
    bad = '","approval":"' + "A" * 29 + "="
    with closing(sqlite3.connect(db.path, isolation_level=None)) as conn:
        conn.execute("DROP TRIGGER events_no_update")
        query = "SELECT seq, detail FROM events WHERE task_id = ? AND type = 'task.started'"
        seq, detail = conn.execute(query, (ids[9],)).fetchone()
        good = parse(detail)["digest"]
        assert len(good) == len(bad)
        conn.execute("UPDATE events SET detail = ? WHERE seq = ?", (detail.replace(good, bad), seq))
    reading = engine.reading_engine(db.path, connections=1)
    with reading.connect() as conn_:
        scan, faults = Scan(conn_), Faults(limit=2)
        stories = Stories(Phrases(scan), Lives(faults, scan.events_of), faults)
        stories.follow(scan.said(0, scan.size()).fetchall(), 0)
    reading.dispose()
    assert [(fault.seq, fault.what) for fault in faults.found] == [(seq, "the digest in its detail is none")]


words = st.text(alphabet='ab=A"\\:,{}\0\u00e9\x7f\n', max_size=9)
nearly = ["A" * 43 + "=", "b" * 43 + "=", "a" * 42 + '"=', "x\\" * 21 + "y="]
digests = st.one_of(words, st.sampled_from(nearly))
COLUMNS = (
    "seq INTEGER, at INTEGER, type TEXT, task_id TEXT, attempt INTEGER, actor TEXT, detail TEXT, leaf BLOB"
)


@given(
    st.lists(st.tuples(digests, words, words, st.sampled_from(list(EventType))), min_size=1, max_size=6),
    st.none() | st.integers(0, 3),
)
def test_events_are_spelled_and_understood_whole(
    events: list[tuple[str, str, str, EventType]], attempt: int | None
) -> None:
    """With its digest cut out or not, an event has its canonical text, and says all that its detail says."""
    details = [
        canonical.text({"kind": word, DIGESTS.get(type_, "note"): digest, "z": word})
        for digest, word, _actor, type_ in events
    ]
    with closing(sqlite3.connect(":memory:")) as memory:
        memory.execute(f"CREATE TABLE events ({COLUMNS})")
        rows = [
            (seq, 5, type_.value, word, attempt, actor, detail)
            for seq, ((_digest, word, actor, type_), detail) in enumerate(zip(events, details, strict=True))
        ]
        memory.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, x'')", rows)
        scan = Scan(_Driver(memory))  # type: ignore[arg-type]
        phrases, faults = Phrases(scan), Faults(limit=10**6)
        rows_ = scan.said(0, len(events)).fetchall()
        stories = Stories(phrases, Lives(faults, lambda _task_id, _seq: ()), faults)
        computed = [stories.follow(rows_, 0) for _twice in range(2)][1]
        found = [phrases.find(row[2], seq) for seq, row in enumerate(rows_)]
    for seq, ((_digest, word, actor, type_), detail) in enumerate(zip(events, details, strict=True)):
        whole = leaves.event_text(
            seq=seq, at=5, type_=type_, task_id=word, attempt=attempt, actor=actor, detail=detail
        )
        assert computed[seq] == leaves.leaf(whole)
        phrase, hole = found[seq]
        digest = hole or phrase.digest
        facts = parse(detail)
        assert (phrase.type, phrase.attempt, phrase.actor) == (type_, attempt, actor)
        assert digest == digest_in(type_, facts)
        holed = {DIGESTS[type_]} if phrase.is_holed else set()
        assert {name: phrase.facts[name] for name in facts.keys() - holed} == {
            name: facts[name] for name in facts.keys() - holed
        }


class _Driver:
    """What a scan needs of a connection."""

    def __init__(self, driver: sqlite3.Connection) -> None:
        self.connection = self
        self.driver_connection = driver
        self.dialect = self
        self.loaded_dbapi = sqlite3
