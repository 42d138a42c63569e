"""Handing tasks over: each call under an idempotency key of its own, and signed where a key is set."""

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
        return self._send(task.route, self._signed(task), wait=wait)

    def batch(self, tasks: Sequence[Task]) -> Json:
        """Submit several tasks, all or none; raises ``ValueError`` for those with routes of their own."""
        if any(task.route != "/tasks" for task in tasks):
            raise ValueError("file operations and prompts cannot go into a batch")
        return self._send("/tasks/batch", {"tasks": [self._signed(task) for task in tasks]})

    def again(self, path: str) -> Json:
        """Submit by *path* what the server keeps of an earlier task; that is never signed here."""
        return self._send(path, {})

    def _signed(self, task: Task) -> Json:
        return task.body if self._signing is None else self._signing.task(task.route, task.body)

    def _send(self, path: str, body: Json, *, wait: float = 0.0) -> Json:
        key = str(uuid.uuid4())
        return self._transport.ask(Question("POST", path, body=body, idempotency_key=key, wait=wait)).content


def _signing(profile: Profile) -> Signing | None:
    if profile.signing_key is None:
        return None
    from clawtrail import signing  # noqa: PLC0415 - cryptography takes long to load, and few need it

    return signing.signing(profile.signing_key, profile.signing_audience)
