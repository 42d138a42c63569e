"""What is told of a task of an agent when it has ended."""

from pydantic import BaseModel, ConfigDict

NAMES = {"claude-cli": "Claude Code", "codex-cli": "Codex", "gemini-cli": "Gemini"}

AWAITING = "awaiting"
"""The status of what has not ended: people are asked, and may say no."""


class Ended(BaseModel):
    """One end, ready to be told, without any secret: so it is noted in the journal.

    *status* is the state that the task ends in, *reason* why. *output* is masked; *left_out* says that it
    is only the last part.
    """

    model_config = ConfigDict(frozen=True)

    task_id: str
    attempt: int
    kind: str
    channel: str
    plain: bool = False
    session_id: str | None = None
    status: str = "unknown"
    reason: str = "interrupted"
    exit_code: int = -1
    error: str | None = None
    duration_ms: int | None = None
    output: str = ""
    left_out: bool = False

    @property
    def agent(self) -> str:
        """The agent's name for people."""
        return NAMES.get(self.kind, self.kind)

    @property
    def id(self) -> str:
        """The same for every try to tell this end, so that who is told twice can know it."""
        return f"{self.task_id}-{self.attempt}"
