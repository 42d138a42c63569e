"""What is signed: the statement of a task, and that of a yes to a worker's question."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clawtrail.formats.events import NotAnEvent, object_of
from clawtrail.formats.members import Members, WrongMember

TASK_TYPE = "application/vnd.clawtrail.task+json"
APPROVAL_TYPE = "application/vnd.clawtrail.approval+json"

EFFECTS = ("read", "idempotent", "mutating")
MOST_STARTS = 100
MOST_NAMES = 32

_NONCE = re.compile(r"[0-9a-f]{32}", re.ASCII)


class StatementRejected(ValueError):
    """The signed bytes are no statement of this type; the message says why."""


@dataclass(frozen=True, slots=True)
class Validity:
    """For whom a statement is meant, when it holds (epoch ms), and the number that lets it hold once."""

    audience: tuple[str, ...]
    issued_at: int
    expires_at: int
    nonce: str


@dataclass(frozen=True, slots=True)
class TaskStatement:
    """A task as its signer wants it: the content, and what bounds how it is run.

    ``max_attempts`` starts are allowed where ``effect`` is not ``mutating``, else one.
    """

    kind: str
    payload: Mapping[str, Any]
    timeout_ms: int
    effect: str
    max_attempts: int
    labels: tuple[str, ...]
    session: str | None
    on_behalf_of: str | None
    not_before: int | None
    validity: Validity

    @property
    def starts(self) -> int:
        """How often it may be started at most."""
        return 1 if self.effect == "mutating" else self.max_attempts


@dataclass(frozen=True, slots=True)
class ApprovalStatement:
    """A yes: to which question about which task, and to what, by the digest and by the text that was read."""

    approval: str
    task: str
    digest: str
    describe_sha256: str
    decision: str
    validity: Validity


def new_nonce() -> str:
    """Return a number that nobody used before."""
    return secrets.token_hex(16)


def task_bytes(statement: TaskStatement) -> bytes:
    """Return the bytes to sign for a task; raises ``ValueError`` for content that is no JSON."""
    said = {
        "kind": statement.kind,
        "payload": statement.payload,
        "timeout": statement.timeout_ms,
        "effect": statement.effect,
        "maxAttempts": statement.max_attempts,
        "labels": list(statement.labels),
        "sessionId": statement.session,
        "onBehalfOf": statement.on_behalf_of,
        "notBefore": statement.not_before,
    }
    return _encoded(said | _of_validity(statement.validity))


def read_task(data: bytes) -> TaskStatement:
    """Return the statement in the bytes that were signed; raises ``StatementRejected``."""
    members = _members(data)
    try:
        statement = TaskStatement(
            kind=members.text("kind"),
            payload=members.mapping("payload"),
            timeout_ms=members.number("timeout"),
            effect=members.one_of("effect", EFFECTS),
            max_attempts=members.number("maxAttempts", most=MOST_STARTS, least=1),
            labels=members.texts("labels", most=MOST_NAMES),
            session=members.text_or_none("sessionId"),
            on_behalf_of=members.text_or_none("onBehalfOf"),
            not_before=members.number_or_none("notBefore"),
            validity=_validity(members),
        )
        members.are_all_read()
    except WrongMember as error:
        raise StatementRejected(str(error)) from error
    return statement


def approval_bytes(statement: ApprovalStatement) -> bytes:
    """Return the bytes to sign for a yes."""
    said: dict[str, object] = {
        "approval": statement.approval,
        "task": statement.task,
        "digest": statement.digest,
        "describeSha256": statement.describe_sha256,
        "decision": statement.decision,
    }
    return _encoded(said | _of_validity(statement.validity))


def read_approval(data: bytes) -> ApprovalStatement:
    """Return the statement in the bytes that were signed; raises ``StatementRejected``."""
    members = _members(data)
    try:
        statement = ApprovalStatement(
            approval=members.text("approval"),
            task=members.text("task"),
            digest=members.text("digest"),
            describe_sha256=members.text("describeSha256"),
            decision=members.one_of("decision", ("approve", "deny")),
            validity=_validity(members),
        )
        members.are_all_read()
    except WrongMember as error:
        raise StatementRejected(str(error)) from error
    return statement


def same_json(one: object, other: object) -> bool:
    """Say whether two values are the same JSON: ``1``, ``1.0`` and ``true`` are three values."""
    return _text(one) == _text(other)


def _of_validity(validity: Validity) -> dict[str, object]:
    return {
        "audience": list(validity.audience),
        "issuedAt": validity.issued_at,
        "expiresAt": validity.expires_at,
        "nonce": validity.nonce,
    }


def _validity(members: Members) -> Validity:
    nonce = members.text("nonce")
    if not _NONCE.fullmatch(nonce):
        raise WrongMember("nonce is not 32 hexadecimal digits")
    audience = members.texts("audience", most=MOST_NAMES)
    if not audience:
        raise WrongMember("audience names nobody")
    return Validity(audience, members.number("issuedAt"), members.number("expiresAt"), nonce)


def _members(data: bytes) -> Members:
    try:
        return Members(object_of(data.decode("ascii")))
    except (NotAnEvent, UnicodeDecodeError) as error:
        raise StatementRejected(f"what was signed cannot be read: {error}") from error


def _encoded(said: Mapping[str, object]) -> bytes:
    return _text(said).encode("ascii")


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
