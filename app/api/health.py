"""Whether the server is well, and its numbers for Prometheus."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any

from flask import Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from app.api import answers
from app.api.routing import ANYBODY, Call, Nothing, Routes
from app.api.service import Service
from app.domain.errors import Forbidden
from app.domain.roles import Role
from app.services import sessions, tree

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
    registry = CollectorRegistry()
    registry.register(_Numbers(call.service))
    return Response(generate_latest(registry), mimetype="text/plain; version=0.0.4")


def _is_admin(call: Call[Nothing, Nothing]) -> bool:
    header = call.request.headers.get("Authorization")
    found = call.service.tokens.find(header, now=call.now)
    return found is not None and Role.ADMIN in found.roles


class _Numbers:
    """Collects the numbers at the moment of the asking, so that no request pays for them."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def collect(self) -> list[Any]:
        service = self._service
        backlog, writer = service.backlog, service.writer
        workers, waits = service.room.parked()
        tasks = GaugeMetricFamily("clawtrail_tasks", "Tasks by where they stand.", labels=["is"])
        for name in ("pending", "held", "finished"):
            tasks.add_metric([name], getattr(backlog, name))
        signed, size = service.checkpoint(), service.read(tree.size)
        parked = GaugeMetricFamily("clawtrail_parked", "Parked long polls.", labels=["of"])
        parked.add_metric(["workers"], workers)
        parked.add_metric(["results"], waits)
        return [
            tasks,
            parked,
            *self._audit(),
            GaugeMetricFamily("clawtrail_waits_admitted", "Waits inside.", value=service.doorway.inside),
            GaugeMetricFamily("clawtrail_record_events", "Events on the record.", value=size),
            GaugeMetricFamily("clawtrail_checkpoint_events", "Events that are signed.", value=signed.size),
            GaugeMetricFamily(
                "clawtrail_checkpoint_age_seconds",
                "Seconds since the newest checkpoint was signed.",
                value=(service.clock() - signed.signed_at) / 1000,
            ),
            CounterMetricFamily("clawtrail_acts", "Acts committed or refused.", value=writer.acts),
            CounterMetricFamily("clawtrail_batches", "Transactions.", value=writer.batches),
        ]

    def _audit(self) -> list[Any]:
        last = self._service.audit.last
        if last is None:
            return []
        at = GaugeMetricFamily(
            "clawtrail_audit_last_at", "When that was, in epoch seconds.", value=last.at / 1000
        )
        return [
            GaugeMetricFamily("clawtrail_audit_ok", "Whether the last check was good.", value=last.ok),
            at,
        ]
