"""What happens with an agent in the past: a prompt within a budget, a tool, a callback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.services import approvals, callbacks, dispatching, recovery, run_questions, tools
from app.services.approvals import Decider, Question
from app.services.attempts import Reporter
from app.services.callbacks import Told
from app.services.claiming import Claim
from app.services.dispatching import Dispatch
from app.services.submitting import Order
from app.services.tools import ToolUse

Do = Callable[..., Any]
"""Runs an act of the service through its writer, with its arguments."""


def ask(do: Do, task_id: str) -> None:
    """Hand a prompt over, by somebody with a budget and with a token for the callback."""
    payload = '{"prompt":"say hi","sessionId":"s","maxCostUsd":1}'
    order = Order(
        id=task_id, kind="claude-cli", payload=payload, timeout_ms=30_000, session_key="claude-cli:s"
    )
    do(dispatching.dispatch, order, Dispatch(limit=10**9, wanted=10**6, sealed=b"sealed"), actor="client:ada")


def use_tools(do: Do, claim: Claim, *, by: Reporter, decider: Decider) -> None:
    """Ask people about three uses of tools: a yes, a no, and one left open; tell of another use."""
    for digest, answer in (("sha256:3", True), ("sha256:4", False), ("sha256:5", None)):
        question = Question("ask in runs", digest, "ab" * 32, "rm notes")
        asked = do(run_questions.ask, claim.lease, question, by=by)
        if answer is not None:
            do(approvals.decide, asked, approvals.Answer(answer, "so be it"), by=decider)
    do(tools.tell_use, claim.lease, ToolUse("Bash", "git status", "allow", 1), by=by)


def call_back(do: Do, claim: Claim, *, by: Reporter) -> None:
    """Tell of a callback that was made, and close what was asked in the run."""
    do(recovery.expire_approvals)
    do(callbacks.ended, claim.task_id, Told(sent=True, sink="discord", tries=1), by=by)
