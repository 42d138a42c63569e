"""Structured logs to standard error, as key=value lines or as JSON, one line an occurrence."""

from __future__ import annotations

import json
import logging
import re
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Literal

Format = Literal["text", "json"]

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the request that the present thread answers; every line logged meanwhile carries it."""


def set_up(form: Format, level: str = "INFO") -> None:
    """Send all logging to standard error in *form*; call it once, at the start of a program.

    Further fields of a line are passed as ``extra={"fields": {...}}``.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else KeyValues())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # Its one warning a queued request is a number that /metrics gives.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    logging.getLogger("alembic").setLevel(logging.WARNING)


class KeyValues(logging.Formatter):
    """``at=... level=... logger=... msg="..." key=value ...``; quoted where a value needs it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the one line for *record*; line breaks in values are escaped."""
        return " ".join(f"{key}={_quoted(value)}" for key, value in _fields(self, record).items())


class JsonLines(logging.Formatter):
    """One JSON object a line, with the same keys as ``KeyValues``."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the one line for *record*."""
        return json.dumps(_fields(self, record), ensure_ascii=False, default=str)


def _fields(form: logging.Formatter, record: logging.LogRecord) -> dict[str, Any]:
    at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    fields: dict[str, Any] = {
        "at": at,
        "level": record.levelname.lower(),
        "logger": record.name,
        "msg": record.getMessage(),
    }
    asked = request_id.get()
    if asked is not None:
        fields["request"] = asked
    fields.update(getattr(record, "fields", {}))
    if record.exc_info:
        fields["error"] = form.formatException(record.exc_info)
    return fields


_PLAIN = re.compile(r"[\w./:@+-]+")


def _quoted(value: object) -> str:
    text = str(value)
    if _PLAIN.fullmatch(text):
        return text
    return json.dumps(text, ensure_ascii=True)
