"""Agents over HTTP: prompts for Claude Code, Codex and Gemini, and their sessions."""

from __future__ import annotations

import uuid
from typing import Any

from app.api import agent_models, answers, models, presenting_agents, submissions
from app.api.agent_models import MOST_RECENT, MOST_SESSIONS, AskAgent
from app.api.routing import CLIENT, READERS, Call, Nothing, Routes
from app.domain.kinds import Kind, cli_of
from app.domain.timing import ACTIVE_MS
from app.services import lookup, sessions

MESSAGES = {
    Kind.CLAUDE_CLI: "Claude CLI task created",
    Kind.CODEX_CLI: "Codex CLI task created",
    Kind.GEMINI_CLI: "Gemini CLI task created",
}
OLD_LIST = 200
"""How many sessions the old list of Claude's holds at most."""

routes = Routes("agents")


@routes(
    "POST",
    "/claude",
    roles=CLIENT,
    body=agent_models.AskClaude,
    query=models.Wait,
    answers=answers.Dispatched,
    limited=True,
)
async def ask_claude(call: Call[agent_models.AskClaude, models.Wait]) -> Any:  # noqa: ANN401 - JSON
    """Submit a prompt for Claude Code; with ``wait`` the answer is its result if it comes in time."""
    return await _ask(call, Kind.CLAUDE_CLI)


@routes(
    "POST",
    "/codex",
    roles=CLIENT,
    body=agent_models.AskAgent,
    query=models.Wait,
    answers=answers.Dispatched,
    limited=True,
)
async def ask_codex(call: Call[AskAgent, models.Wait]) -> Any:  # noqa: ANN401 - JSON
    """Submit a prompt for Codex."""
    return await _ask(call, Kind.CODEX_CLI)


@routes(
    "POST",
    "/gemini",
    roles=CLIENT,
    body=agent_models.AskGemini,
    query=models.Wait,
    answers=answers.Dispatched,
    limited=True,
)
async def ask_gemini(call: Call[agent_models.AskGemini, models.Wait]) -> Any:  # noqa: ANN401 - JSON
    """Submit a prompt for Gemini."""
    return await _ask(call, Kind.GEMINI_CLI)


@routes("GET", "/claude/sessions", roles=READERS, answers=answers.AgentSessions)
def claude_sessions(call: Call[Nothing, Nothing]) -> dict[str, Any]:
    """List Claude's sessions, as their tasks tell of them, the newest first."""
    return _sessions(call, Kind.CLAUDE_CLI, OLD_LIST)


@routes("GET", "/claude/recent", roles=READERS, query=agent_models.ListRecent, answers=answers.AgentSessions)
def claude_recent(call: Call[Nothing, agent_models.ListRecent]) -> dict[str, Any]:
    """List the sessions of Claude Code that workers find on their computers, the newest first."""
    return _recent(call, Kind.CLAUDE_CLI)


@routes("GET", "/codex/recent", roles=READERS, query=agent_models.ListRecent, answers=answers.AgentSessions)
def codex_recent(call: Call[Nothing, agent_models.ListRecent]) -> dict[str, Any]:
    """List the sessions of Codex that workers find on their computers, the newest first."""
    return _recent(call, Kind.CODEX_CLI)


@routes(
    "GET", "/sessions/state", roles=READERS, query=agent_models.ListSessions, answers=answers.AgentSessions
)
def sessions_state(call: Call[Nothing, agent_models.ListSessions]) -> dict[str, Any]:
    """List the sessions of all agents, or of one, as their tasks tell of them, the newest first."""
    asked = call.query
    kind = None if asked.cli_type is None else f"{asked.cli_type}-cli"
    return _sessions(call, kind, max(1, min(asked.limit, MOST_SESSIONS)))


@routes("GET", "/sessions/stats", roles=READERS, answers=answers.SessionStats)
def sessions_stats(call: Call[Nothing, Nothing]) -> dict[str, Any]:
    """Count the sessions that are active: with an unfinished task, or one that ended lately."""
    active = call.service.read(lambda conn: sessions.active(conn, now=call.now))
    by_type = [{"cliType": cli_of(kind), "count": count} for kind, count in sorted(active.by_kind.items())]
    return {
        "sessions": {
            "active": sum(active.by_kind.values()),
            "oldestLastActivity": active.oldest_at,
            "newestLastActivity": active.newest_at,
            "retentionMs": ACTIVE_MS,
            "byType": by_type,
        }
    }


async def _ask(call: Call[Any, models.Wait], kind: Kind) -> Any:  # noqa: ANN401 - JSON
    asked: AskAgent = call.body
    new_session = None if asked.session_id else str(uuid.uuid4())
    order = submissions.order_of(call, kind, asked, new_session=new_session)
    once = submissions.once_of(call, [asked])

    async def submit() -> str:
        return await submissions.dispatch(call, order, once, secret=asked.callback_bot_token)

    def accepted(task_id: str) -> dict[str, Any]:
        session = new_session or asked.session_id
        if task_id != order.id:  # a request sent again: its first one began the session
            session = call.service.read(
                lambda conn: presenting_agents.session_id(lookup.get_task(conn, task_id))
            )
        return {"taskId": task_id, "sessionId": session, "message": MESSAGES[kind], "status": "pending"}

    return await submissions.carry_out(call, order.id, submit, accepted)


def _sessions(call: Call[Any, Any], kind: str | None, limit: int) -> dict[str, Any]:
    found = call.service.read(lambda conn: sessions.list_sessions(conn, kind=kind, limit=limit))
    return {"sessions": [presenting_agents.session(one, now=call.now) for one in found]}


def _recent(call: Call[Any, agent_models.ListRecent], kind: Kind) -> dict[str, Any]:
    cli, limit = cli_of(kind), max(1, min(call.query.limit, MOST_RECENT))
    found = call.service.read(lambda conn: sessions.list_recent(conn, cli, limit=limit))
    if found is None:
        return {"sessions": [], "error": f"No worker has told of sessions of {cli} yet."}
    return {"sessions": [presenting_agents.recent(one) for one in found]}
