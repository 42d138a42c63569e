"""``clawtrail claude``, ``codex`` and ``gemini``: a prompt for an agent over there, and its answer."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from typing import cast

import click

from clawtrail.agents import Reply
from clawtrail.client import Client
from clawtrail.commands.attending import perform
from clawtrail.commands.live import LiveOutput
from clawtrail.commands.options import connected, json_option
from clawtrail.commands.printing import print_json
from clawtrail.manual import ManualCommand
from clawtrail.moments import duration
from clawtrail.result import Result
from clawtrail.tasks import Agent, PromptOptions, Task
from clawtrail.terminal import one_line

_MANUAL = """Hand a prompt to {name} over there and show its answer.

    PROMPT is one argument, or - to read it from standard input. The answer comes on standard output; what it
    cost, and the session with which the conversation goes on, on standard error at the end.

    Without --session a new session begins. Prompts of one session run one after the other, in their order.

    Ctrl-C asks on a terminal whether to cancel the task, to detach from it or to wait on; elsewhere it
    cancels.

    Examples:
      clawtrail {agent} "Which tests fail in ~/code/site, and why?"
      clawtrail {agent} --session 0f7c6c62-7c39-4f6e-9a55-3b8c52f3a3c1 "Mend the first one."
      git diff | clawtrail {agent} --max-cost-usd 0.50 -
      clawtrail {agent} --json "Say hi." | jq -r .sessionId

    Exit status:
      0-255  the agent's own (0: it answered; 1: it failed; 124: timeout; 126: refused by policy)
      125    no exit code: cancelled, denied, expired, or unknown because its worker was lost
      130    cancelled or left by Ctrl-C
      2      wrong usage, or no server or token configured
      69     server not reachable      75  budget spent, or too much to do there; try later
      76     that is no Clawtrail      77  token not accepted, or not allowed to do this
      1      refused as invalid

    """


def _options(function: Callable[..., int]) -> Callable[..., int]:
    for option in reversed(
        (
            click.argument("prompt"),
            click.option("--session", "session_id", metavar="ID", help="The session to go on with."),
            click.option("--model", help="The model, by the agent's own name for it."),
            click.option(
                "--max-cost-usd", type=click.FloatRange(0, min_open=True), help="What it may cost at most."
            ),
            click.option("--cwd", metavar="DIR", help="The folder in which a new session begins."),
            click.option("--timeout", type=duration, metavar="DURATION", help="How long it may run."),
            click.option(
                "--label", "labels", multiple=True, metavar="K=V", help="What the worker must have."
            ),
            click.option("--tag", "tags", multiple=True, help="A word to find it by; may be repeated."),
            click.option(
                "--idempotency-key",
                metavar="KEY",
                help="Your name for this request: sent again, it is the same task.",
            ),
            click.option("--detach", is_flag=True, help="Print the session's id and the task's, and leave."),
            json_option,
        )
    ):
        function = option(function)
    return function


def _asking(agent: Agent, name: str) -> click.Command:
    def ask(client: Client, *, prompt: str, detach: bool, as_json: bool, **given: object) -> int:
        options = {key: value for key, value in given.items() if value not in (None, ())}
        asked = Task.prompt(agent, _read(prompt), **cast("PromptOptions", options))
        return _hand_over(client, asked, agent, detach=detach, as_json=as_json)

    ask.__doc__ = _MANUAL.format(agent=agent, name=name)
    return click.command(agent, cls=ManualCommand)(_options(connected(ask)))


def _hand_over(client: Client, task: Task, agent: Agent, *, detach: bool, as_json: bool) -> int:
    if detach:
        submitted = client.submit_task(task)
        told = {"taskId": submitted.task_id, "sessionId": submitted.session_id}
        print_json(told) if as_json else click.echo("\t".join(str(value) for value in told.values()))
        return 0
    if as_json:
        return perform(client, task, on_result=lambda result: print_json(result.raw))
    return perform(client, task, live=LiveOutput(), on_result=lambda result: _tell_session(result, agent))


def _tell_session(result: Result, agent: Agent) -> None:
    """Say how to go on with the conversation, and what this part of it was."""
    if result.stdout and not result.stdout.endswith("\n") and sys.stdout.isatty():
        click.echo()
    reply = Reply.of(result)
    cost = None if reply.cost_usd is None else f"${reply.cost_usd:.2f}"
    turns = None if reply.turns is None else f"{reply.turns} turn{'s' * (reply.turns != 1)}"
    about = ", ".join(filter(None, (reply.model, turns, cost)))
    click.echo(
        f"clawtrail: {one_line(about)}" if about else "clawtrail: It told nothing about itself.", err=True
    )
    go_on = f"clawtrail {agent} --session {shlex.quote(reply.session_id)} PROMPT"
    click.echo(f"clawtrail: Session {one_line(reply.session_id)}; go on with: {one_line(go_on)}", err=True)


def _read(prompt: str) -> str:
    if prompt != "-":
        return prompt
    try:
        return sys.stdin.buffer.read().decode("utf-8")
    except UnicodeDecodeError:
        raise click.UsageError("A prompt must be UTF-8 text.") from None


claude = _asking("claude", "Claude Code")
codex = _asking("codex", "Codex")
gemini = _asking("gemini", "Gemini")
