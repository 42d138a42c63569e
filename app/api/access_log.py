"""One line a request with its id, and the record of those who were turned away."""

from __future__ import annotations

import logging
import re
import secrets
import threading
import time

from flask import Flask, Response, g, request

from app.api.service import Service
from app.domain.errors import StorageFailed
from app.domain.event_types import EventType
from app.services import record

ID_FORM = re.compile(r"[\w.-]{8,64}", re.ASCII)
DENIED = (401, 403)
ONE_EVENT_MS = 60_000
MAX_SOURCES = 10_000

_log = logging.getLogger("clawtrail.access")


def register(app: Flask, service: Service) -> None:
    """Let *app* give every request an id, log it, and put denied ones on the record."""
    denials = Denials(service)

    @app.before_request
    def begin() -> None:
        given = request.headers.get("X-Request-Id", "")
        g.request_id = given if ID_FORM.fullmatch(given) else secrets.token_hex(8)
        g.began = time.perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.request_id
        if response.status_code in DENIED:
            denials.tell(response.status_code)
        if _log.isEnabledFor(logging.INFO):
            _log.info("request", extra={"fields": _fields(response)})
        return response


def _fields(response: Response) -> dict[str, object]:
    principal = request.environ.get("clawtrail.principal")
    return {
        "request": g.request_id,
        "from": request.remote_addr,
        "who": principal.name if principal else "-",
        "method": request.method,
        "path": request.path,
        "status": response.status_code,
        "ms": round((time.perf_counter() - g.began) * 1000, 1),
    }


class Denials:
    """Puts denied accesses on the record, at most one a minute for each source.

    Any thread may call it; the lock guards the instants.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._lock = threading.Lock()
        self._last: dict[str, int] = {}

    def tell(self, status: int) -> None:
        """Record that the present request was turned away with *status*, unless its source was just now."""
        principal = request.environ.get("clawtrail.principal")
        source = f"token:{principal.name}" if principal else f"address:{request.remote_addr}"
        now = self._service.clock()
        if not self._is_new(source, now):
            return
        # What strangers send is cut short before it is kept for good.
        method, path = request.method[:16], request.path[:200]
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
