"""How events look as lines of a log, whatever clients and workers put into them."""

from __future__ import annotations

import json

import pytest

from app.cli import log_lines
from app.domain.event_types import EventType
from app.services import browsing, cancelling, record
from app.services.browsing import Filters
from app.storage.tables import AnyRow
from tests.support import acts
from tests.support.database import Database


def newest(db: Database) -> AnyRow:
    """Return the newest event, as the log gets it."""
    [page] = db.read(lambda conn: list(browsing.pages(conn, Filters(), after=-1, end=999)))
    return page[-1]


def tail(db: Database, *, coloured: bool = False) -> str:
    """Return the newest line behind its time."""
    return log_lines.line(newest(db), coloured=coloured).partition("  ")[2]


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        ("late", "reason=late"),
        ("not needed", 'reason="not needed"'),
        ("", 'reason=""'),
        ("[1, 2", 'reason="[1, 2"'),
        ('["a"]', 'reason=["a"]'),
        ("two\nlines\x1b[2J", r"reason=two\nlines\x1b[2J"),
        ('say "no" now', r'reason="say \"no\" now"'),
    ],
)
def test_reasons_stay_in_their_line(db: Database, reason: str, shown: str) -> None:
    """What a client gives as its reason is one word or is quoted, and steers nothing."""
    task_id = acts.submit(db, payload='{"command":"echo\\nhi"}')
    db.write(lambda conn: cancelling.cancel(conn, task_id, reason=reason, actor=acts.ADA, now=db.now))
    assert tail(db) == rf"client:ada          task.cancelled     {task_id[-8:]}  echo hi  {shown}"


def test_actors_stand_in_one_column(db: Database) -> None:
    """Lines of one page are padded to the longest actor in it, but not to one that is beyond all measure."""
    for actor in ("client:ada", "worker:quickstart/a-computer", "client:" + "x" * 90):
        acts.submit(db, actor=actor)
    [page] = db.read(lambda conn: list(browsing.pages(conn, Filters(), after=-1, end=999)))
    assert log_lines.actor_width(page[:1]) == log_lines.ACTOR_WIDTH
    width = log_lines.actor_width(page)
    lines = [log_lines.line(row, coloured=False, width=width) for row in page]
    assert [line.index("task.submitted") for line in lines[:2]] == [lines[0].index("client:ada") + 34] * 2
    assert log_lines.actor_width(page[:1], at_least=width) == width


def test_what_a_task_needs_is_told_plainly(db: Database) -> None:
    """Labels and tags are words with commas, instants are ISO 8601, digests and defaults are left out."""
    acts.submit(db, labels='["os=linux","gpu=1"]', tags='["night"]', expires_at=db.now + 1)
    told = tail(db).partition("  true  ")[2].split()
    assert told == [f"expires_at={log_lines.iso(db.now + 1)}", "labels=os=linux,gpu=1", "tags=night"]


def test_a_second_attempt_is_told(db: Database) -> None:
    """The number of an attempt stands in the line from the second on."""
    acts.submit(db)
    db.write(
        lambda conn: record.append(
            conn, EventType.TASK_STARTED, at=db.now, actor="worker:wim", attempt=2, assumed=True
        )
    )
    assert tail(db).endswith("-         attempt=2 assumed=true")


def test_content_that_is_gone_is_said_to_be(db: Database) -> None:
    """A task whose content was taken out is shown as redacted, in a line and in JSON."""
    acts.submit(db, "file-read", payload='{"path":"/secret"}')
    db.write(lambda conn: conn.exec_driver_sql("UPDATE tasks SET payload = NULL, payload_salt = NULL"))
    assert tail(db).endswith("  file-read (redacted)")
    assert json.loads(log_lines.as_json(newest(db)))["summary"] == "(redacted)"


def test_colours_change_no_word(db: Database) -> None:
    """Without its colours a coloured line is the plain one, and nothing is coloured that is not there."""
    acts.submit(db)
    claimed = acts.started(db)
    acts.result(db, claimed, acts.BROKEN)
    coloured = tail(db, coloured=True)
    assert "\x1b[31mtask.failed" in coloured
    assert "\x1b[2mexit=1\x1b[0m" in coloured
    plain = coloured
    for code in ("\x1b[31m", "\x1b[2m", "\x1b[0m"):
        plain = plain.replace(code, "")
    assert plain == tail(db)
