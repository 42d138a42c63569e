"""Comparing the rows of many tasks that lived alike: one query asks for all that are as they have to be."""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Sequence
from hashlib import sha256
from operator import itemgetter
from typing import Any

from app.auditing import told
from app.auditing.cell_types import numbers
from app.auditing.content import Content
from app.auditing.outcome_text import USUAL, UsualText
from app.auditing.phrases import REMEMBERED
from app.auditing.scanning import Row, Scan
from app.auditing.stories import Ended, Stage, Time, place_of
from app.storage import tables
from clawtrail.formats.leaves import SALT_BYTES

_SMALL = 4096
"""Payload and output of up to so many letters or bytes are read here, since a whole batch is in memory."""
Cells = Sequence[Any]
"""One column of many rows."""

_USUAL = "+o.attempt = ? AND +o.accepted = 1 AND +o.exit_code = ? AND +o.reported_at = +t.finished_at"
"""A ``+`` keeps SQLite from taking text for the number that it spells, or a number for its text."""
_USUAL_CONTENT = (
    f" AND +o.reason = ? AND {USUAL}"
    f" AND +t.payload >= '' AND t.payload < x'' AND length(t.payload) <= {_SMALL}"
    f" AND length(t.payload_salt) = {SALT_BYTES} AND t.payload_salt >= x'' AND t.signature IS NULL"
    " AND (x.attempt IS NULL AND o.stdout_digest IS NULL"
    f" OR +x.attempt = +o.attempt AND x.stream = 'stdout' AND length(x.data) <= {_SMALL} AND x.data >= x'')"
)
_NUMBERS = ["o.attempt", "o.nr", "o.accepted", "o.exit_code", "o.reported_at"]
_NUMBERS_OF_CONTENT = [
    "o.duration_ms", "o.stdout_bytes", "o.stderr_bytes", "o.truncated", "coalesce(x.attempt, 0)",
]  # fmt: skip
_CONTENT = (
    ", CAST(t.payload_salt || t.payload AS BLOB),"
    " o.duration_ms, o.stdout_bytes, o.stdout_digest, o.salt, CAST(o.salt || x.data AS BLOB)"
)
_OUTPUT = "LEFT JOIN output x ON x.task_id = t.id"

_by_id = itemgetter(0)


class Alike:
    """Compares; with *content*, payloads, outcomes and output too, else columns only. For one thread."""

    def __init__(self, scan: Scan, content: Content | None) -> None:
        self._scan = scan
        self._content = content
        self._queries: dict[Stage, _Query] = {}

    def others(self, stage: Stage, ended: Sequence[Ended]) -> list[Ended]:
        """Compare all tasks that *ended* at this stage; return those of which not everything fits.

        That is not yet a fault: only what is usual is known here.
        """
        query = self._queries.get(stage) or self._ask(stage)
        if not query.is_sound:
            return list(ended)
        in_order = sorted(ended, key=_by_id)
        ids = [task_id for task_id, _life in in_order]
        rows = list(self._scan.near_tasks(query.text, ids, query.before, query.behind))
        others: list[Ended] = []
        cells = _columns(rows)
        if cells[:1] != [tuple(ids)] or None in cells[1]:
            in_order, rows, others = _apart(in_order, rows)
            cells = _columns(rows)
        misfits = query.misfits(cells, in_order)
        if self._content is not None and cells:
            self._content.seen += len(rows) - cells[-1].count(None)
            for task_id, _life in misfits:
                self._content.seen -= cells[-1][cells[0].index(task_id)] is not None
        return others + misfits

    def _ask(self, stage: Stage) -> _Query:
        if len(self._queries) >= REMEMBERED:
            self._queries.clear()
        query = self._queries[stage] = _Query(stage, whole=self._content is not None)
        return query


class _Query:
    """What the rows of tasks have to be that ended at one stage.

    It gives of each task its id and what is another one for each task. The first of these, the digest of
    the payload, is missing where something that it does not give is not as it has to be.
    """

    def __init__(self, stage: Stage, *, whole: bool) -> None:
        columns = dict(zip(told.COLUMNS, stage.told.row(), strict=True))
        attempt, exit_code, digest, at = stage.told.outcome or (0, 0, b"", 0)
        same = {name: value for name, value in columns.items() if place_of(value) is None}
        times = {name: int(value) for name, value in columns.items() if isinstance(value, Time)}
        self.is_sound = (
            all(_is_of(name, value) for name, value in same.items()) and at == times["finished_at"]
        )
        digests = (place_of(columns["payload_digest"]) or 0, place_of(digest) or 0)
        self._told = (*digests, *times.values())
        reason = stage.told.reason or "exit"
        self._text = UsualText(exit_code, reason) if whole else None
        self.before = [attempt, exit_code, *([reason] if whole else [])]
        self.behind = list(same.values())
        there = numbers("t", tables.tasks, [name for name, value in columns.items() if value is not None])
        total = " + ".join([*there, *_NUMBERS, *(_NUMBERS_OF_CONTENT if whole else [])])
        usual = f"{_USUAL} AND typeof({total}) = 'integer' {_USUAL_CONTENT if whole else ''}"
        cells = ", ".join(f"t.{name}" for name in times)
        alike = " AND ".join(f"+t.{name} IS ?" for name in same)
        self.text = (
            f"SELECT t.id, CASE WHEN {usual} THEN t.payload_digest END,"  # noqa: S608 - our own words
            f" o.digest, {cells}{_CONTENT if whole else ''}"
            " FROM tasks t CROSS JOIN outcomes o ON o.task_id = t.id AND o.nr = 0"
            f" {_OUTPUT if whole else ''} WHERE t.id {{ids}} AND {alike} ORDER BY t.id"
        )

    def misfits(self, cells: list[Cells], ended: list[Ended]) -> list[Ended]:
        """Return those that *ended* whose rows, here column by column, are not as they tell."""
        if not ended or self._fit(cells, ended):
            return []
        if len(ended) == 1:
            return ended
        half = len(ended) // 2
        return self.misfits([column[:half] for column in cells], ended[:half]) + self.misfits(
            [column[half:] for column in cells], ended[half:]
        )

    def _fit(self, cells: list[Cells], ended: list[Ended]) -> bool:
        lives = _columns([life for _task_id, life in ended])
        told_ = [lives[place] for place in self._told]
        try:
            told_[:2] = [tuple(map(a2b_base64, digests)) for digests in told_[:2]]
        except ValueError:
            return False
        if cells[1 : 1 + len(told_)] != told_:
            return False
        return self._text is None or _content_fits(self._text, told_[0], told_[1], cells[-6:])


def _content_fits(text: UsualText, payloads: Cells, outcomes: Cells, cells: Sequence[Cells]) -> bool:
    """Say whether payload, outcome and output have the digests beside them."""
    inputs, durations, sizes, stdouts, salts, outputs = cells
    return (
        [sha256(salted).digest() for salted in inputs] == list(payloads)
        and text.digests(zip(durations, sizes, stdouts, salts, strict=True)) == list(outcomes)
        and [None if salted is None else sha256(salted).digest() for salted in outputs] == list(stdouts)
    )


def _columns(rows: Sequence[Sequence[Any]]) -> list[Cells]:
    return list(zip(*rows, strict=True))


def _apart(ended: list[Ended], rows: list[Row]) -> tuple[list[Ended], list[Row], list[Ended]]:
    """Tell those with one usual row from the others: two rows are two outcomes or two pieces of output."""
    found: dict[str, Row | None] = {}
    for row in rows:
        found[row[0]] = None if row[0] in found else row
    usual = {task_id: row for task_id, row in found.items() if row is not None and row[1] is not None}
    return (
        [one for one in ended if one[0] in usual],
        [usual[one[0]] for one in ended if one[0] in usual],
        [one for one in ended if one[0] not in usual],
    )


def _is_of(name: str, value: Any) -> bool:  # noqa: ANN401 - the value of a cell
    """Say whether a column can hold *value* as it is; SQLite would take a number for its text."""
    return value is None or type(value) is tables.tasks.c[name].type.python_type
