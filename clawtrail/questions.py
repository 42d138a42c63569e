"""The questions that workers ask people before a run, as a client sees and answers them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from urllib.parse import quote

from clawtrail import fields
from clawtrail.fields import Json
from clawtrail.following import LONGEST_POLL, pause_before_next
from clawtrail.transport import Question, Transport


@dataclass(frozen=True, slots=True)
class Approval:
    """A question that a worker asks people before a run, and how it was answered.

    ``describe`` tells what exactly would run; it is other people's text, and None when it was redacted.
    """

    approval_id: str
    task_id: str
    state: str
    rule: str
    worker: str
    submitted_by: str
    describe: str | None
    requested_at: int
    expires_at: int
    decided_by: str | None
    comment: str | None
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def read(cls, answer: Json) -> Approval:
        """Read one member of the list of questions."""
        return cls(
            approval_id=fields.text(answer, "approvalId"),
            task_id=fields.text(answer, "taskId"),
            state=fields.text(answer, "state"),
            rule=fields.text_or_none(answer, "rule") or "",
            worker=fields.text_or_none(answer, "worker") or "",
            submitted_by=fields.text_or_none(answer, "submittedBy") or "",
            describe=fields.text_or_none(answer, "describe"),
            requested_at=fields.integer(answer, "requestedAt"),
            expires_at=fields.integer(answer, "expiresAt"),
            decided_by=fields.text_or_none(answer, "decidedBy"),
            comment=fields.text_or_none(answer, "comment"),
            raw=answer,
        )


@dataclass(frozen=True, slots=True)
class Approvals:
    """Questions as they are now; another list has another ``version``."""

    members: tuple[Approval, ...]
    version: str

    @classmethod
    def read(cls, answer: Json) -> Approvals:
        """Read the answer of the list of questions."""
        members = tuple(map(Approval.read, fields.mappings(answer, "approvals")))
        return cls(members, fields.text(answer, "version"))


class Questions:
    """What a client can do with questions; threads may share it."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(
        self, *, state: str = "pending", version: str | None = None, wait: float = 0.0, limit: int = 50
    ) -> Approvals:
        """Return the questions that wait, or those in another state, or ``all``.

        With *version* it waits up to *wait* seconds (at most 50) until there is another list than that one. A
        server that says at once that there is none is not asked again at once.
        """
        query: dict[str, object] = {"state": state, "limit": limit}
        if version is not None:
            query["version"] = version
        wait, began = min(wait, LONGEST_POLL), time.monotonic()
        answer = self._transport.ask(Question("GET", "/approvals", query=query, wait=wait))
        found = Approvals.read(answer.content)
        if found.version == version:
            pause_before_next(answer, held=time.monotonic() - began, asked=wait)
        return found

    def approve(
        self, approval_id: str, *, comment: str | None = None, signature: str | None = None
    ) -> Approval:
        """Say yes: the worker that asked runs exactly what it asked for, once, within 30 minutes.

        *signature* is what ``signing.sign_yes`` makes, for workers that take signed answers only.
        Raises ``Conflict`` when somebody answered before or the time is over, ``Forbidden`` for a task that
        you submitted yourself. The same answer by the same token again changes nothing.
        """
        return self._decide(approval_id, "approve", comment, signature)

    def deny(self, approval_id: str, *, comment: str | None = None) -> Approval:
        """Say no: the task ends as denied. Raises what ``approve`` raises."""
        return self._decide(approval_id, "deny", comment)

    def _decide(
        self, approval_id: str, decision: str, comment: str | None, signature: str | None = None
    ) -> Approval:
        said = {"decision": decision, "comment": comment, "signature": signature}
        body = {name: value for name, value in said.items() if value is not None}
        path = f"/approvals/{quote(approval_id, safe='')}"
        return Approval.read(self._transport.ask(Question("POST", path, body=body)).content)
