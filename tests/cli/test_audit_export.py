"""`clawtrail audit export`: what other programs get of the record, and that it harms none of them."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from base64 import b64decode
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.cli import ocsf
from app.cli.export_lines import COLUMNS
from app.domain.event_types import EventType
from app.services.outcomes import Outcome
from app.storage.tables import AnyRow
from clawtrail.formats.leaves import event_text, leaf
from tests.support import acts
from tests.support.database import Database
from tests.support.typing_commands import start, type_

FORMULAS = ("=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1")
AWKWARD = 'say "hello", then\nbye; é 漢 \x1b[2J'

# From the schema of OCSF 1.6.0: what an event of class API Activity and its objects must have.
REQUIRED = {
    "": (
        *("activity_id", "category_uid", "class_uid", "type_uid", "severity_id", "time", "metadata"),
        *("actor", "api", "src_endpoint"),
    ),
    "metadata": ("version", "product"),
    "api": ("operation",),
}
ONE_OF = {
    "actor": {"process", "user", "invoked_by", "session", "app_name", "app_uid"},
    "src_endpoint": {"ip", "uid", "name", "hostname", "svc_name", "instance_uid", "interface_uid", "domain"},
}


@pytest.fixture
def data(db: Database) -> Path:
    """The folder of a database with formulas and awkward text in commands, and one failure."""
    for command in (*FORMULAS, AWKWARD, "-2 is no number"):
        acts.submit(db, payload=json.dumps({"command": command}))
    acts.submit(db, "file-read", actor=acts.BEN, payload='{"path":"/etc/hostname"}')
    claimed = acts.started(db)
    acts.result(db, claimed, Outcome(-1, "failed", "=cmd", 5, None, 0, 0, truncated=False))
    db.close()
    return db.path.parent


def exported(data: Path, format_: str, *arguments: str) -> str:
    """Return what an export writes to standard output."""
    done = type_(data, "audit", "export", "--format", format_, *arguments)
    assert (done.status, done.err) == (0, "")
    return done.text


def test_jsonl_has_all_that_the_record_has(data: Path) -> None:
    """Each event is one line, with its detail; from it alone its leaf can be computed again."""
    told = [json.loads(line) for line in exported(data, "jsonl").splitlines()]
    conn = sqlite3.connect(data / "clawtrail.db")
    rows = conn.execute(
        "SELECT seq, at, type, actor, task_id, attempt, detail, leaf FROM events ORDER BY seq"
    ).fetchall()
    conn.close()
    assert len(told) == len(rows) > 9
    for event, (seq, at, type_of, actor, task_id, attempt, detail, kept) in zip(told, rows, strict=True):
        assert (event["seq"], event["at"], event["type"], event["actor"]) == (seq, at, type_of, actor)
        assert (event["taskId"], event["attempt"]) == (task_id, attempt)
        assert event["detail"] == json.loads(detail)
        text = event_text(
            seq=seq, at=at, type_=type_of, task_id=task_id, attempt=attempt, actor=actor, detail=detail
        )
        assert b64decode(event["leaf"]) == kept == leaf(text)
        assert set(event) == {*COLUMNS, "at"}
    assert {event["summary"] for event in told} >= {"-1", "/etc/hostname"}


def test_no_cell_of_a_table_is_a_formula(data: Path) -> None:
    """Text that begins as a formula does gets a quote before it; numbers, negative ones too, stay numbers."""
    text = exported(data, "csv")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert text.startswith(",".join(COLUMNS) + "\r\n")
    assert text.count("\r\n") == len(rows) + 1
    summaries = {row["summary"] for row in rows}
    assert summaries >= {f"'{command}" for command in FORMULAS} | {"'-2 is no number"}
    numbers = {"seq", "attempt", "exitCode"}
    cells = [value for row in rows for name, value in row.items() if name not in numbers]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))]
    [failed] = [row for row in rows if row["type"] == "task.failed"]
    assert (failed["exitCode"], failed["reason"]) == ("-1", "failed")
    assert AWKWARD.replace("\n", " ") in summaries


def test_every_event_of_ocsf_has_what_its_class_requires(data: Path) -> None:
    """Each exported event has the required attributes of API Activity, with numbers that fit each other."""
    told = [json.loads(line) for line in exported(data, "ocsf").splitlines()]
    assert [event["metadata"]["uid"] for event in told] == [str(seq) for seq in range(len(told))]
    for event in told:
        check_ocsf(event)


@pytest.mark.parametrize("type_of", EventType)
@pytest.mark.parametrize("actor", ["client:ada", "address:10.0.0.7", "worker:wim", "system:server", "odd"])
def test_every_type_of_event_has_a_place_in_ocsf(type_of: EventType, actor: str) -> None:
    """There is no type and no actor for which a required attribute is missing."""
    row = SimpleNamespace(seq=3, at=5, type=type_of.value, task_id=None, attempt=None, actor=actor, kind=None)
    check_ocsf(ocsf.event(cast("AnyRow", row), {}, None))


def check_ocsf(event: dict[str, Any]) -> None:
    """Check an event against what the schema requires."""
    for place, names in REQUIRED.items():
        inside = event[place] if place else event
        assert not [name for name in names if inside.get(name) is None]
    for place, names_of_one in ONE_OF.items():
        assert names_of_one & set(event[place])
    assert (event["category_uid"], event["class_uid"]) == (6, 6003)
    assert event["activity_id"] in {0, 1, 2, 3, 4, 99}
    assert event["type_uid"] == 600300 + event["activity_id"]
    assert event["severity_id"] in {0, 1, 2, 3, 4, 5, 6, 99}
    assert event["status_id"] in {0, 1, 2, 99}
    assert isinstance(event["time"], int)
    assert event["metadata"]["product"]["name"]
    assert {"name", "uid"} <= set(event["actor"]["user"])
    assert all({"name", "uid"} & set(one) for one in event.get("resources", ()))


def test_filters_narrow_what_is_exported(data: Path) -> None:
    """Task, actor, kind, type and times are obeyed."""
    for arguments, count in (
        (("--actor", "client:ben"), 1),
        (("--kind", "file-read"), 1),
        (("--type", "task.failed"), 1),
        (("--type", "task.*", "--actor", "worker:*"), 3),
        (("--task", "last"), 1),
        (("--since", "2100-01-01"), 0),
        (("--until", "2020-01-01"), 0),
    ):
        assert exported(data, "jsonl", *arguments).count("\n") == count, arguments


def test_a_file_is_replaced_only_when_all_is_written(data: Path, tmp_path: Path) -> None:
    """The file is for its owner alone; one that cannot be written to its end leaves the old one as it was."""
    target = tmp_path / "out" / "record.csv"
    target.parent.mkdir()
    target.write_text("old")
    assert exported(data, "csv", "-o", str(target)) == ""
    assert target.read_bytes().decode() == exported(data, "csv")
    assert target.stat().st_mode & 0o777 == 0o600
    target.write_text("old")
    done = type_(data, "audit", "export", "--format", "csv", "-o", str(target), "--task", "ffffffff")
    assert done.status == 2
    assert target.read_text() == "old"
    assert list(target.parent.iterdir()) == [target]


def test_a_reader_that_goes_away_is_no_error(data: Path) -> None:
    """`audit export | head` ends as every program in a pipe does."""
    with start(data, "audit", "export", "--format", "jsonl") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.wait(40)
        assert process.stderr.read() == b""
    assert process.returncode == 141
