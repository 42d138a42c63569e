"""Taking the items of a report in their order, each answered by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from app.api.worker_models import Ended, Item, Note, OutputPiece, Start, Verdict
from app.domain.errors import InvalidRequest, LeaseLost, ServiceError
from app.domain.event_types import EventType
from app.domain.leases import parse
from app.services import finishing, outcomes, record, reporting
from app.services.attempts import Reporter
from app.services.outcomes import Outcome
from clawtrail.formats.canonical import NotCanonical

LATE = "This lease has ended; the outcome is kept as evidence and changes nothing."


def receive(
    conn: Connection, items: Sequence[Item], *, by: Reporter, now: int
) -> tuple[list[dict[str, Any]], list[str]]:
    """Apply *items* and return one answer each, and the ids of the tasks whose output grew.

    An item that cannot be applied says why and leaves the others alone: every act here looks
    before it writes, so that a refusal has written nothing.
    """
    results: list[dict[str, Any]] = []
    grown: list[str] = []
    for item in items:
        try:
            results.append({"ok": True, **_apply(conn, item, grown, by=by, now=now)})
        except (ServiceError, _Refused) as error:
            results.append({"ok": False, "code": error.code, "error": str(error), **_more(error)})
        except ValueError as error:
            results.append({"ok": False, "code": InvalidRequest.code, "error": str(error)})
    return results, grown


class _Refused(Exception):
    """A late outcome: refused, and yet written down."""

    code = LeaseLost.code

    def __init__(self, *, kept: bool) -> None:
        super().__init__(LATE)
        self.kept = kept


def _more(error: Exception) -> dict[str, Any]:
    return {"kept": error.kept} if isinstance(error, _Refused) else {}


def _apply(
    conn: Connection, item: Item, grown: list[str], *, by: Reporter, now: int
) -> dict[str, Any]:
    if isinstance(item, Start):
        return {"leaseExpiresAt": reporting.start(conn, item.lease, by=by, now=now)}
    if isinstance(item, OutputPiece):
        _take_output(conn, item.lease, item.stream, item.offset, item.raw(), grown, by, now)
        return {}
    if isinstance(item, Ended):
        return _end(conn, item, grown, by=by, now=now)
    if isinstance(item, Verdict):
        reporting.verdict(
            conn,
            item.lease,
            given=item.verdict,
            rule=item.rule,
            digest=item.digest,
            policy_hash=item.policy_hash,
            by=by,
            now=now,
        )
        return {}
    note(conn, item.name, task_id=item.task_id, told=item.details, by=by, now=now)
    return {}


def note(  # noqa: PLR0913 - a note and whose it is
    conn: Connection,
    name: str,
    *,
    task_id: str | None,
    told: object,
    by: Reporter,
    now: int,
) -> record.Event:
    """Put on the record what a worker wants there; raises ``InvalidRequest`` for what cannot be."""
    try:
        return record.append(
            conn,
            EventType.WORKER_NOTED,
            at=now,
            actor=by.actor,
            task_id=task_id,
            name=name,
            details=told,
        )
    except NotCanonical as error:
        raise InvalidRequest(f"This note cannot be on the record: {error}") from error


def _end(
    conn: Connection, item: Ended, grown: list[str], *, by: Reporter, now: int
) -> dict[str, Any]:
    sizes = {"stdout": item.stdout_bytes, "stderr": item.stderr_bytes}
    for stream in outcomes.STREAMS:
        text: str | None = getattr(item, stream)
        if text:
            data = text.encode("utf-8")
            sizes[stream] = sizes[stream] or len(data)
            _take_text(conn, item.lease, stream, data, grown, by, now)
    outcome = Outcome(
        exit_code=item.exit_code,
        reason=item.reason,
        error=item.error,
        duration_ms=item.duration_ms,
        metadata=item.metadata,
        stdout_bytes=sizes["stdout"],
        stderr_bytes=sizes["stderr"],
        truncated=item.truncated,
    )
    reception = finishing.result(conn, item.lease, outcome, by=by, now=now)
    if not reception.accepted:
        raise _Refused(kept=reception.kept)
    return {}


def _take_text(  # noqa: PLR0913 - a piece and whose it is
    conn: Connection,
    lease: str,
    stream: str,
    data: bytes,
    grown: list[str],
    by: Reporter,
    now: int,
) -> None:
    try:
        _take_output(conn, lease, stream, 0, data, grown, by, now)
    except LeaseLost:
        if parse(lease) is None:
            raise
        # The outcome itself is still evidence; finishing decides that.


def _take_output(  # noqa: PLR0913 - a piece and whose it is
    conn: Connection,
    lease: str,
    stream: str,
    offset: int,
    data: bytes,
    grown: list[str],
    by: Reporter,
    now: int,
) -> None:
    grew = reporting.output(conn, lease, stream=stream, offset=offset, data=data, by=by, now=now)
    if grew is not None:
        grown.append(grew)
