"""Where tools ask a server over HTTP."""

from __future__ import annotations

from urllib.parse import quote

from clawtrail import exits
from clawtrail.errors import ClawtrailError
from clawtrail.fields import Json
from clawtrail.mcp.desk import Refusal, Request
from clawtrail.profile import Profile
from clawtrail.submitting import Submitting
from clawtrail.tasks import Task
from clawtrail.transport import Question, Transport

TIMEOUT = 7.0
"""Seconds for one request with all its tries, besides what it is held. A tool waits 30 seconds at most, makes
its last request just before, and one more for what to tell of it: that is 44, and it has promised 45."""


class RemoteDesk:
    """A desk over one transport; threads may share it. What it submits is signed where a key is set."""

    def __init__(self, transport: Transport, profile: Profile) -> None:
        """Raise ``NotConfigured`` for a signing key that cannot be used."""
        self._transport = transport
        self._submitting = Submitting(transport, profile)

    def ask(self, request: Request) -> Json:
        """Return what the server answers; its refusals and all trouble on the way are ``Refusal``."""
        try:
            if request.key is not None:
                task = Task(request.body or {}, request.path, request.key)
                return self._submitting.task(task, wait=request.wait)
            return self._transport.ask(_question(request)).content
        except ClawtrailError as error:
            raise Refusal(exits.sentence_of(error)) from None


def _question(request: Request) -> Question:
    variables = {name: quote(value, safe="") for name, value in request.variables.items()}
    path = request.path.format(**variables)
    return Question(request.method, path, query=request.query, body=request.body, wait=request.wait)
