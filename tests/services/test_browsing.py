"""Looking through the record: every filter, every page, and the search for an instant."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, event

from app.domain.event_types import EventType
from app.services import browsing, record
from app.services.browsing import Filters
from tests.support import acts
from tests.support.database import BEGINNING, Database


def seqs(
    db: Database,
    *,
    after: int = -1,
    end: int | None = None,
    **narrowed: Any,  # noqa: ANN401 - fields of Filters
) -> list[int]:
    """Return the seqs of all pages of the record behind *after*."""

    def look(conn: Connection) -> list[int]:
        last = browsing.newest_seq(conn) if end is None else end
        pages = list(browsing.pages(conn, Filters(**narrowed), after=after, end=last))
        assert all(pages)
        return [row.seq for page in pages for row in page]

    return db.read(look)


def fill(db: Database, *instants: int, actor: str = "worker:wim") -> None:
    """Put an event on the record at each of these instants."""

    def append(conn: Connection) -> None:
        for at in instants:
            record.append(conn, EventType.WORKER_NOTED, at=at, actor=actor)

    db.write(append)


def test_pages_follow_each_other_without_gap(db: Database) -> None:
    """A record of more than two pages comes whole, in order, and no further than its end."""
    count = 2 * browsing.PAGE + 3

    def many(conn: Connection) -> None:
        for _ in range(count):
            record.append(conn, EventType.WORKER_NOTED, at=db.now, actor="worker:wim")

    db.write(many)
    assert seqs(db) == list(range(count))
    assert seqs(db, after=count - 3) == [count - 2, count - 1]
    assert seqs(db, end=browsing.PAGE) == list(range(browsing.PAGE + 1))
    assert seqs(db, end=browsing.PAGE - 1) == list(range(browsing.PAGE))


def test_a_record_without_events_has_no_pages(db: Database) -> None:
    """Nothing is shown of a new database, and that is no error."""
    assert seqs(db) == []
    assert db.read(lambda conn: browsing.seq_before_last(conn, Filters(), 5, end=-1)) == -1


def test_filters_narrow_to_what_they_say(db: Database) -> None:
    """Task, kind, actor and type are exact; a star stands for any rest, with upper and lower case kept."""
    first = acts.submit(db)
    acts.submit(db, "file-read", actor=acts.BEN)
    fill(db, db.now, actor="client:Ada")
    acts.started(db)
    told = [(row.seq, row.type, row.actor) for row in db.events()]
    assert told == [
        (0, "task.submitted", "client:ada"),
        (1, "task.submitted", "client:ben"),
        (2, "worker.noted", "client:Ada"),
        (3, "task.claimed", "worker:wim"),
        (4, "task.started", "worker:wim"),
    ]
    assert seqs(db, task_id=first) == [0, 3, 4]
    assert seqs(db, kind="file-read") == [1]
    assert seqs(db, actor="client:ada") == [0]
    assert seqs(db, actor="client:a*") == [0]
    assert seqs(db, actor="client:*") == [0, 1, 2]
    assert seqs(db, actor="client") == []
    assert seqs(db, actor="*") == [0, 1, 2, 3, 4]
    assert seqs(db, actor="client:_da") == []
    assert seqs(db, type="task.s*", actor="worker:wim") == [4]


def test_the_last_so_many_are_those_that_pass(db: Database) -> None:
    """The newest of a filter are counted among what passes it, and fewer than asked for are all."""
    for _ in range(3):
        acts.submit(db)
        acts.submit(db, actor=acts.BEN)

    def last(count: int) -> list[int]:
        bens = Filters(actor=acts.BEN)
        start = db.read(lambda conn: browsing.seq_before_last(conn, bens, count, end=5))
        return seqs(db, after=start, actor=acts.BEN)

    assert [last(count) for count in (1, 2, 3, 9)] == [[5], [3, 5], [1, 3, 5], [1, 3, 5]]


def test_times_narrow_to_the_millisecond(db: Database) -> None:
    """The first bound is the first instant shown, the second the first not shown, within a minute too."""
    fill(db, *(BEGINNING + ms for ms in (0, 999, 1000, 1000, 1001, 5000)))
    assert seqs(db, since=BEGINNING + 1000) == [2, 3, 4, 5]
    assert seqs(db, until=BEGINNING + 1000) == [0, 1]
    assert seqs(db, since=BEGINNING + 999, until=BEGINNING + 1001) == [1, 2, 3]
    assert seqs(db, since=BEGINNING + 6000) == []


def test_events_out_of_order_are_found(db: Database) -> None:
    """Requests overtake each other by less than a minute; no time bound loses what came late."""
    fill(db, *(BEGINNING + seconds * 1000 for seconds in (0, 600, 570, 624, 1800, 1746, 3000)))
    assert seqs(db, since=BEGINNING + 600_000, until=BEGINNING + 1_800_000) == [1, 3, 5]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(times=st.lists(st.integers(0, 20), max_size=40), at=st.integers(-1, 21))
def test_the_search_for_an_instant_finds_the_first(
    tmp_path_factory: pytest.TempPathFactory, times: list[int], at: int
) -> None:
    """In a record in the order of its times, the first event at an instant or later is found."""
    db = Database(tmp_path_factory.mktemp("sought"))
    fill(db, *sorted(times))
    expected = sum(time < at for time in times)
    assert db.read(lambda conn: browsing.seq_at(conn, at)) == expected
    db.close()


def test_ids_are_found_by_their_parts(db: Database) -> None:
    """A whole id, its start or its end find the task; what begins alike finds all such tasks."""
    ids = [acts.submit(db) for _ in range(3)]

    def found(part: str, newest: int = 500) -> list[str]:
        return db.read(lambda conn: browsing.find_task_ids(conn, part, newest=newest))

    assert found(ids[0]) == [ids[0]]
    assert found(ids[1][-8:]) == [ids[1]]
    assert found(ids[0][:6]) == ids[::-1]
    assert found(ids[0][-8:], newest=2) == []
    assert found("", newest=1) == [ids[2]]


@pytest.mark.parametrize("narrowed", [{"task_id": "x"}, {"since": BEGINNING}, {"until": BEGINNING}, {}])
def test_no_look_reads_the_whole_record(db: Database, narrowed: dict[str, Any]) -> None:
    """Tasks, times and pages are found by keys, and nothing is sorted."""
    fill(db, BEGINNING)
    asked: list[tuple[str, Any]] = []
    event.listen(db.reading, "before_cursor_execute", lambda *call: asked.append((call[2], call[3])))
    seqs(db, **narrowed)
    for statement, values in tuple(asked):
        with db.reading.connect() as conn:
            plan = conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
        lines = [row[3] for row in plan]
        assert all(line.startswith("SEARCH") for line in lines), (statement, lines)
