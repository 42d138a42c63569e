"""``clawtrail sessions``: the conversations with agents over there."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import click

from clawtrail.agents import AgentSession
from clawtrail.client import Client
from clawtrail.commands.options import connected, json_option
from clawtrail.commands.printing import instant, moment, on_terminal, print_json, print_table, print_tabs
from clawtrail.manual import ManualCommand
from clawtrail.tasks import Agent

_TITLES = ("session", "agent", "last", "tasks", "unfinished", "since")


@click.command(cls=ManualCommand)
@click.option("--agent", type=click.Choice(get_args(Agent)), help="Only sessions of this one.")
@click.option(
    "-n", "--limit", type=click.IntRange(1, 500), default=50, help="At most so many.  [default: 50]"
)
@json_option
@connected
def sessions(client: Client, *, agent: Agent | None, limit: int, as_json: bool) -> None:
    """List the sessions of agents, the newest first.

    A session goes on with `clawtrail claude --session ID`, or codex or gemini.

    On a terminal this is a table; in a pipe there is a line for each session, with tabs between: session,
    agent, last activity, number of tasks, how many of them are unfinished, when it began.

    Examples:
      clawtrail sessions
      clawtrail claude --session "$(clawtrail sessions --agent claude -n 1 | cut -f 1)" "Go on."
      clawtrail sessions --json | jq -r 'select(.active) | .sessionId'

    """
    known = client.sessions(agent, limit=limit)
    if as_json:
        for session in known:
            print_json(session.raw)
    elif on_terminal():
        print_table(_TITLES, (_row(session, moment) for session in known))
    else:
        print_tabs(_row(session, instant) for session in known)


def _row(session: AgentSession, at: Callable[[int | None], str]) -> tuple[str, ...]:
    return (
        session.session_id,
        session.agent,
        at(session.last_at),
        str(session.tasks),
        str(session.unfinished),
        at(session.created_at),
    )
