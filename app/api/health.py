"""Whether the server is well, and its numbers for Prometheus."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any

from flask import Response

from app.api import answers
from app.api.routing import ANYBODY, Call, Nothing, Routes
from app.api.service import Service
from app.domain.errors import Forbidden
from app.domain.roles import Role
from app.services import sessions

routes = Routes("health")
LOOPBACK = ("127.", "::1")
OF_PROXIES = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via")

try:
    VERSION = version("clawtrail")
except PackageNotFoundError:
    VERSION = "0"


@routes("GET", "/health", roles=ANYBODY, answers=answers.Health)
def health(call: Call[Nothing, Nothing]) -> dict[str, Any]:
    """Say that the server is up; no token needed."""
    backlog = call.service.backlog
    active = call.service.read(lambda conn: sessions.active(conn, now=call.now))
    return {
        "status": "ok",
        "tasks": backlog.pending + backlog.held,
        "results": backlog.finished,
        "activeSessions": sum(active.by_kind.values()),
        "version": VERSION,
    }


@routes("GET", "/metrics", roles=ANYBODY)
def metrics(call: Call[Nothing, Nothing]) -> Response:
    """Return the server's numbers in the Prometheus text format; for admins and loopback."""
    address = call.request.remote_addr or ""
    # Behind a proxy every caller seems local: a forwarded request has to show a token.
    direct = address.startswith(LOOPBACK) and not any(name in call.request.headers for name in OF_PROXIES)
    if not direct and not _is_admin(call):
        raise Forbidden("Metrics are for loopback and for tokens of the role admin.")
    return Response(_numbers(call.service), mimetype="text/plain; version=0.0.4")


def _numbers(service: Service) -> bytes:
    from app.api import numbers  # noqa: PLC0415 - prometheus_client takes 1 MB, and many have no Prometheus

    return numbers.written(service)


def _is_admin(call: Call[Nothing, Nothing]) -> bool:
    header = call.request.headers.get("Authorization")
    found = call.service.tokens.find(header, now=call.now)
    return found is not None and Role.ADMIN in found.roles
