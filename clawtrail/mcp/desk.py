"""Where tools ask the service: over HTTP, or inside of the server; they cannot tell which."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """One question to the service: a route as ``docs/api.md`` names it, and what goes with it.

    *variables* fill the braces of *path*. ``wait`` is how many seconds the answer may be held. ``key`` is the
    idempotency key of a submission.
    """

    method: str
    path: str
    variables: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, object] = field(default_factory=dict)
    body: Json | None = None
    wait: float = 0.0
    key: str | None = None


class Refusal(Exception):
    """The service said no or gave no answer; the text is a sentence for the model that called."""


class Desk(Protocol):
    """Answers requests, one at a time; a tool has one to itself while it runs."""

    def ask(self, request: Request) -> Json:
        """Return the JSON object that the service answers; raises ``Refusal``."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Something to tell while a tool waits: so many of so many seconds are over, and how things stand."""

    seconds: float
    of: float
    message: str


Steps = Generator[Progress, None, T]
"""A tool at work: yields what there is to tell meanwhile, returns its answer."""
