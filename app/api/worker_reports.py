"""Taking the items of a report in their order, each answered by itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from app.api.worker_models import (
    Alarm,
    CallbackEnded,
    Ended,
    Found,
    Item,
    OutputPiece,
    RunQuestion,
    Start,
    ToolUsed,
    Verdict,
)
from app.domain.errors import IllegalTransition, InvalidRequest, LeaseLost, ServiceError
from app.domain.event_types import EventType
from app.services import callbacks, finishing, outcomes, record, reporting, run_questions, sessions, tools
from app.services.approvals import Question
from app.services.attempts import Reporter
from app.services.outcomes import Outcome
from app.services.reporting import Grounds
from app.services.tools import ToolUse
from app.storage.ledger import Event
from clawtrail.formats import canonical
from clawtrail.formats.canonical import NotCanonical

LATE = "This lease has ended; the outcome is kept as evidence and changes nothing."


@dataclass(frozen=True, slots=True)
class Reading:
    """The reading of one report: who tells, when, and which tasks' output grew by it."""

    conn: Connection
    by: Reporter
    now: int
    grown: list[str] = field(default_factory=list)


def receive(reading: Reading, items: Sequence[Item]) -> list[dict[str, Any]]:
    """Apply *items* in their order and return one answer each.

    An item that cannot be applied says why and leaves the others alone: every act here looks
    before it writes, so that a refusal has written nothing.
    """
    results: list[dict[str, Any]] = []
    for item in items:
        try:
            results.append({"ok": True, **_apply(reading, item)})
        except (ServiceError, _Refused) as error:
            results.append({"ok": False, "code": error.code, "error": str(error), **_more(error)})
        except ValueError as error:
            results.append({"ok": False, "code": InvalidRequest.code, "error": str(error)})
    return results


class _Refused(Exception):
    """A late outcome: refused, and yet written down."""

    code = LeaseLost.code

    def __init__(self, *, kept: bool) -> None:
        super().__init__(LATE)
        self.kept = kept


def _more(error: Exception) -> dict[str, Any]:
    return {"kept": error.kept} if isinstance(error, _Refused) else {}


def _apply(reading: Reading, item: Item) -> dict[str, Any]:
    conn, by, now = reading.conn, reading.by, reading.now
    if isinstance(item, Start):
        grounds = Grounds(item.rule, item.digest, item.policy_hash)
        return {"leaseExpiresAt": reporting.start(conn, item.lease, grounds, by=by, now=now)}
    if isinstance(item, RunQuestion):
        question = Question(item.rule, item.digest, item.policy_hash, item.describe)
        return {"approval": run_questions.ask(conn, item.lease, question, by=by, now=now)}
    if isinstance(item, OutputPiece):
        _take_output(reading, item.lease, item.stream, offset=item.offset, data=item.raw())
    elif isinstance(item, Ended):
        _end(reading, item)
    elif isinstance(item, Verdict):
        _judge(reading, item)
    elif isinstance(item, Alarm):
        _hear_alarm(reading, item)
    elif isinstance(item, ToolUsed | CallbackEnded | Found):
        _hear_of_agent(reading, item)
    else:
        note(conn, item.name, task_id=item.task_id, told=item.details, by=by, now=now)
    return {}


def _judge(reading: Reading, item: Verdict) -> None:
    reporting.verdict(
        reading.conn,
        item.lease,
        given=item.verdict,
        rule=item.rule,
        digest=item.digest,
        policy_hash=item.policy_hash,
        describe=item.describe,
        error=item.error,
        by=reading.by,
        now=reading.now,
    )


def _hear_alarm(reading: Reading, item: Alarm) -> None:
    record.append(
        reading.conn,
        EventType.WITNESS_ALARMED,
        at=reading.now,
        actor=reading.by.actor,
        fault=item.fault,
        reason=item.reason,
        remembered=item.remembered,
        shown=item.shown,
    )


def _hear_of_agent(reading: Reading, item: ToolUsed | CallbackEnded | Found) -> None:
    conn, by, now = reading.conn, reading.by, reading.now
    if isinstance(item, ToolUsed):
        use = ToolUse(item.tool, item.input, item.verdict, item.number)
        tools.tell_use(conn, item.lease, use, by=by, now=now)
    elif isinstance(item, CallbackEnded):
        told = callbacks.Told(item.outcome == "sent", item.sink, item.tries, item.error)
        callbacks.ended(conn, item.task_id, told, by=by, now=now)
    else:
        found = [one.model_dump(by_alias=True) for one in item.sessions]
        sessions.keep_recent(conn, by.worker_id, item.cli, found, now=now)


def _end(reading: Reading, item: Ended) -> None:
    sizes = {"stdout": item.stdout_bytes, "stderr": item.stderr_bytes}
    for stream in outcomes.STREAMS:
        text: str | None = getattr(item, stream)
        if text:
            data = text.encode("utf-8")
            sizes[stream] = sizes[stream] or len(data)
            # Without a run to belong to, the outcome itself may still count; finishing decides that.
            with suppress(LeaseLost, IllegalTransition):
                _take_output(reading, item.lease, stream, offset=0, data=data)
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
    reception = finishing.result(reading.conn, item.lease, outcome, by=reading.by, now=reading.now)
    if not reception.accepted:
        raise _Refused(kept=reception.kept)


def _take_output(reading: Reading, lease: str, stream: str, *, offset: int, data: bytes) -> None:
    grown = reporting.output(
        reading.conn,
        lease,
        stream=stream,
        offset=offset,
        data=data,
        by=reading.by,
        now=reading.now,
    )
    if grown is not None:
        reading.grown.append(grown)


def note(
    conn: Connection,
    name: str,
    *,
    task_id: str | None,
    told: object,
    by: Reporter,
    now: int,
) -> Event:
    """Put on the record what a worker wants there.

    The record holds no fractions, since no two programs write them alike: details with one are
    kept as the JSON text that they came as.
    """
    try:
        canonical.text(told)
    except NotCanonical:
        told = json.dumps(told, ensure_ascii=True, separators=(",", ":"))
    return record.append(
        conn,
        EventType.WORKER_NOTED,
        at=now,
        actor=by.actor,
        task_id=task_id,
        name=name,
        details=told,
    )
