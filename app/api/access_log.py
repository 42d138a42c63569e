"""Around the application: an id for each request, one line about it, and the record of denials."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from app.api.routing import PRINCIPAL
from app.api.service import Service
from app.domain.entropy import random_bytes
from app.domain.errors import StorageFailed
from app.domain.event_types import EventType
from app.services import record
from config.logs import request_id

ID_FORM = re.compile(r"[\w.-]{8,64}", re.ASCII)
DENIED = ("401", "403")
ONE_EVENT_MS = 60_000
MAX_SOURCES = 10_000

_log = logging.getLogger("clawtrail.access")

Environ = dict[str, Any]
Wsgi = Callable[[Environ, Any], Iterable[bytes]]


class AccessLog:
    """Wraps the WSGI application; any thread may call it.

    It stands outside of Flask, so that every answer has an id and a line, whoever gave it.
    """

    def __init__(self, app: Wsgi, service: Service) -> None:
        self._app = app
        self._denials = Denials(service)

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:  # noqa: ANN401 - WSGI
        """Answer one request, under its id."""
        given = environ.get("HTTP_X_REQUEST_ID", "")
        name = given if given and ID_FORM.fullmatch(given) else random_bytes(8).hex()
        request_id.set(name)
        began = time.perf_counter()

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:  # noqa: ANN401 - WSGI
            headers.append(("X-Request-Id", name))
            if status[:3] in DENIED:
                self._denials.tell(environ, int(status[:3]))
            if _log.isEnabledFor(logging.INFO):
                _log.info("request", extra={"fields": _fields(environ, status, began)})
            return start_response(status, headers, *more)

        try:
            return self._app(environ, start)
        finally:
            request_id.set(None)


def _fields(environ: Environ, status: str, began: float) -> dict[str, object]:
    principal = environ.get(PRINCIPAL)
    return {
        "from": environ.get("REMOTE_ADDR"),
        "who": principal.name if principal else "-",
        "method": environ["REQUEST_METHOD"],
        "path": environ["PATH_INFO"],
        "status": int(status[:3]),
        "ms": round((time.perf_counter() - began) * 1000, 1),
    }


class Denials:
    """Puts denied accesses on the record, at most one a minute for each source.

    Any thread may call it; the lock guards the instants.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._lock = threading.Lock()
        self._last: dict[str, int] = {}

    def tell(self, environ: Environ, status: int) -> None:
        """Record that a request was turned away with *status*, unless its source was just now."""
        principal = environ.get(PRINCIPAL)
        source = f"token:{principal.name}" if principal else f"address:{environ.get('REMOTE_ADDR')}"
        now = self._service.clock()
        if not self._is_new(source, now):
            return
        # What strangers send is cut short before it is kept for good; WSGI's text is Latin-1.
        path = environ["PATH_INFO"].encode("latin-1", "replace").decode("utf-8", "replace")[:200]
        method = environ["REQUEST_METHOD"][:16]
        try:
            self._service.write(
                lambda conn: record.append(
                    conn,
                    EventType.ACCESS_DENIED,
                    at=now,
                    actor=source,
                    method=method,
                    path=path,
                    status=status,
                ),
            )
        except StorageFailed:
            _log.warning("a denied access could not be recorded", extra={"fields": {"from": source}})

    def _is_new(self, source: str, now: int) -> bool:
        with self._lock:
            if now - self._last.get(source, -ONE_EVENT_MS) < ONE_EVENT_MS:
                return False
            if len(self._last) >= MAX_SOURCES:
                self._last.clear()
            self._last[source] = now
            return True
