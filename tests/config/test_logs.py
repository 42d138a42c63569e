"""Log lines: one line each, whatever is in them."""

from __future__ import annotations

import json
import logging

import pytest

from config.logs import JsonLines, KeyValues

NASTY = 'two words, a "quote", an = sign\nand a second line \x1b[31m\u2028'


def line(form: logging.Formatter, message: str, *, error: bool = False, **fields: object) -> str:
    """Return how *form* writes one occurrence."""
    caught = ZeroDivisionError("inner\nlines")
    info = (type(caught), caught, None) if error else None
    record = logging.LogRecord("clawtrail.test", logging.INFO, "x", 1, message, (), info)
    record.fields = fields
    return form.format(record)


@pytest.mark.parametrize("form", [KeyValues(), JsonLines()])
@pytest.mark.parametrize("error", [False, True])
def test_whatever_it_holds_it_is_one_line(form: logging.Formatter, *, error: bool) -> None:
    """Line breaks, escapes and tracebacks in values never begin a new line or reach a terminal raw."""
    written = line(form, NASTY, error=error, path=NASTY)
    assert "\n" not in written
    assert "\x1b" not in written


def test_json_lines_are_json() -> None:
    """A JSON line gives back its message and fields, with the time in ISO 8601."""
    found = json.loads(line(JsonLines(), NASTY, status=200, who=None))
    assert (found["msg"], found["status"], found["who"]) == (NASTY, 200, None)
    assert found["at"].endswith("+00:00")
    assert (found["level"], found["logger"]) == ("info", "clawtrail.test")


def test_values_are_quoted_where_they_need_it() -> None:
    """A plain value stands bare; an empty one, or one with blanks or quotes, is quoted."""
    written = line(KeyValues(), "request", path="/tasks", none="", two="a b")
    assert ' path=/tasks none="" two="a b"' in written
    assert " msg=request " in written
