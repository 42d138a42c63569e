"""Questions to people over HTTP: which wait, and their answers."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from app.api import answers, models, presenting
from app.api.routing import APPROVERS, READERS, Call, Nothing, Routes
from app.services import approvals
from app.services.approvals import Answer, Decider
from app.waiting import QUESTIONS_KEY

routes = Routes("approvals")


@routes("GET", "/approvals", roles=READERS, query=models.ListApprovals, answers=answers.Approvals)
async def list_approvals(call: Call[Nothing, models.ListApprovals]) -> dict[str, Any]:
    """List questions: those that are open, the oldest first, or others, the newest first."""
    asked, service = call.query, call.service
    with service.room.expecting(QUESTIONS_KEY, call.alive) as seat:
        until = call.deadline(asked.wait, service.settings.max_wait_ms)
        with call.doorway.admission() as admitted:
            while True:
                seat.woken.clear()
                told = _look(call)
                if told["version"] != asked.version or not admitted or not service.room.is_open:
                    return told
                if not await service.room.rest(seat, until) or not call.alive():
                    return told


@routes("POST", "/approvals/{approval_id}", roles=APPROVERS, body=models.Decide, answers=answers.Approval)
def decide(call: Call[models.Decide, Nothing], approval_id: str) -> dict[str, Any]:
    """Answer a question with yes or no; the first answer counts."""
    by = Decider(call.principal.name, call.actor)
    body = call.body
    answer = Answer(body.decision == "approve", body.comment, body.signature)
    call.service.write(lambda conn: approvals.decide(conn, approval_id, answer, by=by, now=call.now))
    return presenting.approval(call.service.read(lambda conn: approvals.get_approval(conn, approval_id)))


def _look(call: Call[Nothing, models.ListApprovals]) -> dict[str, Any]:
    state = None if call.query.state == "all" else call.query.state
    rows = call.service.read(lambda conn: approvals.list_approvals(conn, state=state, limit=call.query.limit))
    found = [presenting.approval(row) for row in rows]
    return {"approvals": found, "version": hashlib.sha256(json.dumps(found).encode()).hexdigest()[:16]}
