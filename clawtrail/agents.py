"""What agents answer, and the sessions that they have, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field

from clawtrail import fields
from clawtrail.fields import Json
from clawtrail.result import Result


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a prompt. ``text`` is the agent's last word, ``result`` everything that is known.

    ``session_id`` goes on with the conversation. ``cost_usd``, ``turns`` and ``model`` are as the agent tells
    them; None where it does not.
    """

    task_id: str
    session_id: str
    text: str
    ok: bool
    cost_usd: float | None
    turns: int | None
    model: str | None
    result: Result

    @classmethod
    def of(cls, result: Result) -> Reply:
        """Read the result of a prompt; what the agent tells in another form counts as not told."""
        cost, turns, model = (result.metadata.get(name) for name in ("costUsd", "turns", "model"))
        is_money = isinstance(cost, int | float) and not isinstance(cost, bool)
        return cls(
            task_id=result.task_id,
            session_id=fields.text(result.raw, "sessionId"),
            text=result.stdout,
            ok=result.ok,
            cost_usd=float(cost) if is_money else None,  # type: ignore[arg-type]
            turns=turns if isinstance(turns, int) and not isinstance(turns, bool) else None,
            model=model if isinstance(model, str) else None,
            result=result,
        )


@dataclass(frozen=True, slots=True)
class AgentSession:
    """One session of an agent, as its tasks tell of it; ``active`` while something goes on, or did lately."""

    session_id: str
    agent: str
    tasks: int
    unfinished: int
    active: bool
    created_at: int
    last_at: int
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def read(cls, answer: Json) -> AgentSession:
        """Read one member of a list of sessions."""
        return cls(
            session_id=fields.text(answer, "sessionId"),
            agent=fields.text(answer, "cliType"),
            tasks=fields.integer(answer, "taskCount"),
            unfinished=fields.integer_or_none(answer, "unfinished") or 0,
            active=answer.get("active") is True,
            created_at=fields.integer(answer, "createdAt"),
            last_at=fields.integer(answer, "lastActivity"),
            raw=answer,
        )
