"""How a task ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Result:
    """What an ended task left; -1 as ``exit_code`` means none (``state`` and ``error`` say why).

    ``stdout`` and ``stderr`` are text, with replacement characters for what is not UTF-8; the exact bytes are
    to be had from ``Client.output``. ``raw`` is the whole answer of the server.
    """

    task_id: str
    state: str
    stdout: str
    stderr: str
    exit_code: int
    error: str | None = None
    reason: str | None = None
    completed_at: int | None = None
    duration_ms: int | None = None
    truncated: bool = False
    metadata: Mapping[str, object] = field(default_factory=dict)
    raw: Mapping[str, object] = field(default_factory=dict, repr=False, compare=False)

    @property
    def ok(self) -> bool:
        """True when the task ran to its end with exit code 0."""
        return self.state == "completed"
