"""The tasks, workers and questions of the model, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class ModelWorker:
    """A worker: its id begins with the name of its token."""

    id: str
    kinds: frozenset[str]
    labels: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        return self.id

    @property
    def actor(self) -> str:
        """The worker's name on the record."""
        return f"worker:{self.id}"

    @property
    def token_name(self) -> str:
        """The token that it comes with."""
        return self.id.split("/")[0]


@dataclass
class ModelQuestion:
    """What was asked last about a task: by which worker, until when, and how it was answered."""

    digest: str
    worker: str
    ends: int
    state: str = "pending"
    by: str | None = None
    used_at: int | None = None


@dataclass
class ModelTask:
    """A task; ``lease`` is the token under which it is, or was last, held (kept when its worker was lost)."""

    id: str
    nr: int
    kind: str
    effect: str
    max_attempts: int
    timeout_ms: int
    created_at: int
    priority: int = 0
    labels: frozenset[str] = frozenset()
    session: str | None = None
    not_before: int | None = None
    expires_at: int | None = None
    state: str = "pending"
    attempt: int = 0
    worker: str | None = None
    lease: str | None = None
    lease_ends: int | None = None
    cancel_asked: int | None = None
    started_at: int | None = None
    finished_at: int | None = None
    answers: dict[tuple[int, str], bool] = field(default_factory=dict)
    outcomes: list[tuple[int, bool]] = field(default_factory=list)
    printed: set[tuple[int, str]] = field(default_factory=set)
    submitter: str = ""
    question: ModelQuestion | None = None
    pinned: str | None = None

    @property
    def is_finished(self) -> bool:
        """Whether it has ended for good."""
        return self.finished_at is not None

    def may_go_again(self) -> bool:
        """A lost run is repeated only if it does no harm, is still wanted and has attempts left."""
        harmless = self.effect in ("read", "idempotent")
        return harmless and self.cancel_asked is None and self.attempt < self.max_attempts

    def let_go(self) -> None:
        """Nobody holds it; the next claim starts afresh."""
        self.state = "pending"
        self.worker = self.lease = self.lease_ends = self.started_at = None
