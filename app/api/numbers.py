"""The server's numbers in the text format of Prometheus."""

from __future__ import annotations

from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from app.api.service import Service
from app.services import tree


def written(service: Service) -> bytes:
    """Return the numbers as they are now."""
    registry = CollectorRegistry()
    registry.register(_Numbers(service))
    return generate_latest(registry)


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
