"""Signing what is submitted, and a yes to a question, with a key of this user."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from clawtrail import keys
from clawtrail.errors import NotConfigured
from clawtrail.fields import Json
from clawtrail.formats import dsse, statements
from clawtrail.formats.notes import Signer
from clawtrail.formats.statements import ApprovalStatement, TaskStatement, Validity

VALID_FOR_S = 2 * 3600.0
"""How long a signed task is good unless it has a ``ttl``: a question and its yes may take an hour."""

YES_VALID_FOR_S = 1800.0
"""As long as a yes holds at the service."""

_DEFAULT_TIMEOUT_MS = 30_000
_TIMEOUTS_MS = (1000, 24 * 3600 * 1000)
_EFFECTS = {"file-read": "read", "file-write": "idempotent"}
_ATTEMPTS = 3
_COMMAND = ("command", "argv", "cwd", "env", "stdin")

Content = tuple[str, Mapping[str, Any]]


def _now() -> int:
    return time.time_ns() // 1_000_000


@dataclass(frozen=True)
class Signing:
    """Signs with one key, for the workers of these names. ``now`` gives epoch milliseconds."""

    signer: Signer
    audience: tuple[str, ...]
    now: Callable[[], int] = _now

    def task(self, route: str, body: Json) -> dict[str, Any]:
        """Return the *body* of a submission with its signature; a timeout that was left out is written down.

        Raises ``NotConfigured`` without an audience, and for a route whose tasks have no form to be signed
        in; ``ValueError`` for what is too large.
        """
        kind, payload = _content(route, body)
        timeout = _within(body.get("timeout", _DEFAULT_TIMEOUT_MS))
        signature = self.seal(kind, payload, {**body, "timeout": timeout})
        return {**body, "timeout": timeout, "signature": signature}

    def seal(self, kind: str, payload: Mapping[str, Any], options: Json) -> str:
        """Return the envelope for content as the worker gets it; *options* are named as on the wire."""
        effect = options.get("effect") or _EFFECTS.get(kind, "mutating")
        usual = 1 if effect == "mutating" else _ATTEMPTS
        statement = TaskStatement(
            kind=kind,
            payload=payload,
            timeout_ms=_whole(options["timeout"]),
            effect=str(effect),
            max_attempts=_whole(options.get("maxAttempts") or usual),
            labels=tuple(sorted(map(str, _list(options.get("labels"))))),
            session=_text_or_none(options.get("sessionId")),
            on_behalf_of=_text_or_none(options.get("onBehalfOf")),
            not_before=None if options.get("notBefore") is None else _whole(options["notBefore"]),
            validity=self._validity(_whole(options.get("notBefore") or 0), options.get("ttl")),
        )
        return _sealed(statements.TASK_TYPE, statements.task_bytes(statement), self.signer)

    def _validity(self, not_before: int, ttl: object) -> Validity:
        if not self.audience:
            raise NotConfigured(
                "A signed task names the workers that may run it: say which with --audience NAME, "
                "CLAWTRAIL_SIGNING_AUDIENCE or signing_audience."
            )
        issued = self.now()
        usual = max(issued, not_before) + round(VALID_FOR_S * 1000)
        until = usual if ttl is None else issued + _whole(ttl)
        return Validity(self.audience, issued, until, statements.new_nonce())


def signing(key: Signer | str | Path, audience: str | Sequence[str] | None) -> Signing:
    """Return what signs with *key* (a name, a file, or the key itself) for *audience*, which may have commas.

    Raises ``NotConfigured`` for a key that cannot be used.
    """
    signer = key if isinstance(key, Signer) else keys.find(key)
    named = re.split(r"[,\s]+", audience.strip(", ")) if isinstance(audience, str) else audience or ()
    return Signing(signer, tuple(name for name in named if name))


def sign_yes(signer: Signer, question: Json, *, now: int | None = None) -> str:
    """Return the envelope that says yes to *question*, as the service lists it: to digest and text."""
    issued = _now() if now is None else now
    describe = str(question.get("describe") or "")
    statement = ApprovalStatement(
        approval=str(question["approvalId"]),
        task=str(question["taskId"]),
        digest=str(question["digest"]),
        describe_sha256=sha256(describe.encode(errors="surrogatepass")).hexdigest(),
        decision="approve",
        validity=Validity(
            # The service puts the token's name before the worker's own, which is all that the worker knows.
            (str(question["worker"]).rpartition("/")[2],),
            issued,
            issued + round(YES_VALID_FOR_S * 1000),
            statements.new_nonce(),
        ),
    )
    return _sealed(statements.APPROVAL_TYPE, statements.approval_bytes(statement), signer)


def _content(route: str, body: Json) -> Content:
    """Return kind and payload as the worker will get them; here new routes add what they make of a body."""
    made = _CONTENTS.get(route)
    if made is None:
        raise NotConfigured(f"What is sent to {route} cannot be signed: use a client without a signing key.")
    return made(body)


def _submitted(body: Json) -> Content:
    kind = str(body.get("kind") or "command")
    if kind != "command":
        payload = body.get("payload")
        return kind, dict(payload) if isinstance(payload, Mapping) else {}
    return kind, {name: body[name] for name in _COMMAND if body.get(name) is not None}


def _read(body: Json) -> Content:
    optional = {name: body[name] for name in ("offset", "limit") if body.get(name) is not None}
    return "file-read", {"path": body["path"], "encoding": body.get("encoding", "utf8"), **optional}


def _written(body: Json) -> Content:
    return "file-write", {
        "path": body["path"],
        "content": body["content"],
        "encoding": body.get("encoding", "utf8"),
    }


def _edited(body: Json) -> Content:
    return "file-edit", {
        "path": body["path"],
        "oldString": body["old_string"],
        "newString": body["new_string"],
        "replaceAll": body.get("replace_all", False),
    }


_CONTENTS: dict[str, Callable[[Json], Content]] = {
    "/tasks": _submitted,
    "/files/read": _read,
    "/files/write": _written,
    "/files/edit": _edited,
}


def _sealed(payload_type: str, payload: bytes, signer: Signer) -> str:
    envelope = dsse.seal(payload_type, payload, signer)
    if len(envelope) > dsse.MAX_TEXT:
        raise ValueError(f"the signed task has {len(envelope)} characters, the most are {dsse.MAX_TEXT}")
    return envelope


def _within(timeout: object) -> int:
    """Return a timeout in the bounds that the service brings it into."""
    least, most = _TIMEOUTS_MS
    return max(least, min(_whole(timeout), most))


def _whole(value: object) -> int:
    if isinstance(value, int):
        return value
    raise ValueError(f"{value!r} is no whole number")


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else ()


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None
