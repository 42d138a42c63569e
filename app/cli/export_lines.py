"""The record as other programs take it: one event a line, as JSON, CSV or OCSF."""

from __future__ import annotations

import csv
import io
import json
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import Connection, bindparam, select

from app.api import presenting
from app.cli import ocsf
from app.cli.event_members import members
from app.services import browsing
from app.services.browsing import Filters
from app.storage.prepared import Prepared
from app.storage.tables import AnyRow, tasks

COLUMNS = (
    "seq",
    "time",
    "type",
    "actor",
    "taskId",
    "attempt",
    "kind",
    "summary",
    "exitCode",
    "reason",
    "detail",
    "leaf",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""With these, a cell of text begins to be a formula: https://owasp.org/www-community/attacks/CSV_Injection."""
_REMEMBERED = 10_000
_PAYLOAD = Prepared(select(tasks.c.payload).where(tasks.c.id == bindparam("id")))
_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Line:
    """One event with its details read, and what its task does in one line."""

    row: AnyRow
    detail: dict[str, Any]
    summary: str | None


def read(conn: Connection, filters: Filters, *, end: int) -> Iterator[list[Line]]:
    """Yield the events that pass *filters* up to seq *end*, page by page, the oldest first.

    What it holds at a time is a page of events, one payload, and the summaries of some tasks.
    """
    known: dict[str, str] = {}
    for page in browsing.pages(conn, filters, after=-1, end=end, content=False):
        if len(known) > _REMEMBERED:
            known.clear()
        yield [Line(row, json.loads(row.detail), _summary(conn, row, known)) for row in page]


def as_jsonl(lines: Sequence[Line]) -> str:
    """Return one JSON object a line, with the members of ``COLUMNS`` and ``at``."""
    return "".join(f"{_compact(_members(line))}\n" for line in lines)


def as_csv(lines: Sequence[Line]) -> str:
    """Return rows as RFC 4180 has them, with the columns of ``COLUMNS``; no cell of text is a formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    for line in lines:
        told = _members(line) | {"detail": line.row.detail}
        writer.writerow([_cell(told[name]) for name in COLUMNS])
    return text.getvalue()


def as_ocsf(lines: Sequence[Line]) -> str:
    """Return one event of the Open Cybersecurity Schema Framework a line, as JSON."""
    return "".join(f"{_compact(ocsf.event(line.row, line.detail, line.summary))}\n" for line in lines)


Format = Callable[[Sequence[Line]], str]
FORMATS: dict[str, tuple[str, Format]] = {
    "jsonl": ("", as_jsonl),
    "csv": (",".join(COLUMNS) + "\r\n", as_csv),
    "ocsf": ("", as_ocsf),
}
"""What stands at the top of a file, and how events look in it."""


def _summary(conn: Connection, row: AnyRow, known: dict[str, str]) -> str | None:
    if row.kind is None:
        return None
    found = known.get(row.task_id)
    if found is None:
        payload = cast("str | None", _PAYLOAD.scalar(conn, {"id": row.task_id}))
        found = known[row.task_id] = presenting.one_line(row.kind, payload)
    return found


def _members(line: Line) -> dict[str, Any]:
    row, detail = line.row, line.detail
    told = members(row, time=iso(row.at), summary=line.summary, detail=detail)
    del told["detail"]  # it is long, so it comes behind the rest
    more = {"exitCode": detail.get("exit_code"), "reason": detail.get("reason"), "detail": detail}
    return {**told, **more, "leaf": b64encode(row.leaf).decode()}


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def iso(at: int) -> str:
    """Return epoch ms in UTC, in ISO 8601 with milliseconds."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
