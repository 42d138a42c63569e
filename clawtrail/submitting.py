"""Handing tasks over: each call under an idempotency key, and signed where a signing key is set."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

from clawtrail.fields import Json
from clawtrail.profile import Profile
from clawtrail.tasks import Task
from clawtrail.transport import Question, Transport

if TYPE_CHECKING:
    from clawtrail.signing import Signing


class Submitting:
    """Sends what makes tasks; threads may share it.

    The body of a call is made once: its tries send the same key and the same signature.
    """

    def __init__(self, transport: Transport, profile: Profile) -> None:
        """Raise ``NotConfigured`` for a signing key that cannot be used."""
        self._transport = transport
        self._signing = _signing(profile)

    def task(self, task: Task, *, wait: float = 0.0) -> Json:
        """Submit one task and return the answer."""
        return self._send(task.route, self._signed(task), wait=wait, key=task.idempotency_key)

    def batch(self, tasks: Sequence[Task]) -> Json:
        """Submit several tasks, all or none; raises ``ValueError`` for what cannot go into a batch."""
        if any(task.route != "/tasks" for task in tasks):
            raise ValueError("file operations and prompts cannot go into a batch")
        if any(task.idempotency_key for task in tasks):
            raise ValueError("a batch is one request: its tasks have no idempotency keys of their own")
        return self._send("/tasks/batch", {"tasks": [self._signed(task) for task in tasks]})

    def again(self, path: str) -> Json:
        """Submit by *path* what the server keeps of an earlier task; that is never signed here."""
        return self._send(path, {})

    def _signed(self, task: Task) -> Json:
        return task.body if self._signing is None else self._signing.task(task.route, task.body)

    def _send(self, path: str, body: Json, *, wait: float = 0.0, key: str | None = None) -> Json:
        question = Question("POST", path, body=body, idempotency_key=key or str(uuid.uuid4()), wait=wait)
        return self._transport.ask(question).content


def _signing(profile: Profile) -> Signing | None:
    if profile.signing_key is None:
        return None
    from clawtrail import signing  # noqa: PLC0415 - cryptography takes long to load, and few need it

    return signing.signing(profile.signing_key, profile.signing_audience)
