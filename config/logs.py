"""Structured logs to standard error, as key=value lines or as JSON, one line an occurrence."""

from __future__ import annotations

import atexit
import json
import logging
import re
import sys
import threading
from collections.abc import Callable
from contextlib import nullcontext, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal, TextIO

Format = Literal["text", "json"]
GATHER_S = 0.1

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the request that the present thread answers; every line logged meanwhile carries it."""


def set_up(form: Format, level: str = "INFO", *, gather: bool = False) -> None:
    """Send all logging to standard error in *form*; call it once, at the start of a program.

    Further fields of a line are passed as ``extra={"fields": {...}}``. With *gather* lines below
    WARNING are written together, ten times a second: a busy server's threads then do not queue
    up for the file. A process that is killed may lose the last of them.
    """
    handler = Gathered(sys.stderr) if gather else logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else KeyValues())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # What no line shows need not be found out for each (the "Optimization" of the logging guide).
    logging._srcfile = None  # noqa: SLF001 - the name that the guide gives
    logging.logProcesses = logging.logThreads = logging.logMultiprocessing = False
    # Its one warning a queued request is a number that /metrics gives.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    logging.getLogger("alembic").setLevel(logging.WARNING)


def mask_with(mask: Callable[[str], str]) -> None:
    """Have every line go through *mask* from now on, before it is written."""
    for handler in logging.getLogger().handlers:
        handler.setFormatter(Masked(handler.formatter or logging.Formatter(), mask))


class Masked(logging.Formatter):
    """The lines of another formatter, each gone through a mask."""

    def __init__(self, inner: logging.Formatter, mask: Callable[[str], str]) -> None:
        super().__init__()
        self._inner = inner
        self._mask = mask

    def format(self, record: logging.LogRecord) -> str:
        """Return the one line for *record*, masked."""
        return self._mask(self._inner.format(record))


class Gathered(logging.StreamHandler[TextIO]):
    """Writes lines together. Any thread may log; the handler's own lock guards the lines."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._lines: list[str] = []
        atexit.register(self.flush)
        threading.Thread(target=self._write, name="log", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the line of *record*; write it, and those before it, at once if it is a warning."""
        try:
            self._lines.append(self.format(record))
        except (TypeError, ValueError):
            self.handleError(record)
        if record.levelno >= logging.WARNING:
            self.flush()

    def flush(self) -> None:
        """Write what is kept."""
        with self.lock or nullcontext():
            lines, self._lines = self._lines, []
        if lines:
            with suppress(OSError, ValueError):  # nobody reads the log any more
                self.stream.write("\n".join(lines) + "\n")
                self.stream.flush()

    def _write(self) -> None:
        pause = threading.Event()
        while not pause.wait(GATHER_S):
            self.flush()


class KeyValues(logging.Formatter):
    """``at=... level=... logger=... msg="..." key=value ...``; quoted where a value needs it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the one line for *record*; line breaks in values are escaped."""
        return " ".join([f"{key}={_quoted(value)}" for key, value in _fields(self, record).items()])


class JsonLines(logging.Formatter):
    """One JSON object a line, with the same keys as ``KeyValues``."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the one line for *record*."""
        return json.dumps(_fields(self, record), ensure_ascii=False, default=str)


def _fields(form: logging.Formatter, record: logging.LogRecord) -> dict[str, Any]:
    second, rest = divmod(record.created, 1)
    at = f"{_second(int(second))}.{int(rest * 1000):03d}+00:00"
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


@lru_cache(maxsize=4)
def _second(epoch: int) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _quoted(value: object) -> str:
    if isinstance(value, int | float):
        return str(value)
    return _quoted_text(str(value))


@lru_cache(maxsize=1024)  # the same few names come in nearly every line
def _quoted_text(text: str) -> str:
    if _PLAIN.fullmatch(text):
        return text
    return json.dumps(text, ensure_ascii=True)
