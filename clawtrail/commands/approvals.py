"""``clawtrail approvals``: the questions that workers ask before they run something."""

from __future__ import annotations

import time

import click

from clawtrail.client import Client
from clawtrail.commands.options import connected, json_option
from clawtrail.commands.printing import duration, instant, moment, on_terminal, print_json, print_tabs
from clawtrail.manual import ManualCommand
from clawtrail.questions import Approval
from clawtrail.terminal import harmless, one_line

STATES = ("pending", "approved", "denied", "expired", "withdrawn", "all")
_LONGEST_WAIT = 25.0
_SHOWN = 8


@click.command(cls=ManualCommand)
@click.option("--watch", is_flag=True, help="Go on and show what is asked and answered, until Ctrl-C.")
@click.option(
    "--state",
    type=click.Choice(STATES),
    default="pending",
    show_default=True,
    help="Only those in this state.",
)
@json_option
@connected
def approvals(client: Client, *, watch: bool, state: str, as_json: bool) -> None:
    """Show what workers ask before they run it.

    For each question: the start of its id, how long it waits still, who submitted the task, which worker
    asks by which rule, and below that what exactly would run there. Answer with `clawtrail approve` or
    `clawtrail deny`; without an answer in 30 minutes the task is denied.

    In a pipe there is a line for each question, with tabs between: id, state, asked, expires, submitted
    by, worker, rule, task, what would run. --watch begins with those that wait; --state is not for it.

    Examples:
      clawtrail approvals
      clawtrail approvals --watch
      clawtrail approvals --state all --json | jq -r '.decidedBy'

    """
    if watch:
        _watch(client, as_json=as_json)
    for question in client.questions.list(state=state).members:
        _show(question, as_json=as_json)


def _watch(client: Client, *, as_json: bool) -> None:
    """Show open questions and what becomes of them, for ever."""
    known: dict[str, str] = {}
    version = None
    while True:
        answer = client.questions.list(state="all", version=version, wait=_LONGEST_WAIT if version else 0.0)
        for question in reversed(answer.members):
            before = known.get(question.approval_id)
            known[question.approval_id] = question.state
            if question.state == before or (before is None and question.state != "pending"):
                continue
            if before is None or as_json:
                _show(question, as_json=as_json)
            else:
                click.echo(f"[{moment(_now())}] {_answered(question)}")
        version = answer.version


def _show(question: Approval, *, as_json: bool) -> None:
    if as_json:
        print_json(question.raw)
    elif on_terminal():
        click.echo(block(question))
    else:
        print_tabs([_line(question)])


def block(question: Approval) -> str:
    """Return a question with all of its text, for a person to read."""
    left = f"{duration(max(0, question.expires_at - _now()))} left"
    state = left if question.state == "pending" else _answered(question)
    told = f"{question.worker} asks by the rule {question.rule!r}, for {question.submitted_by}: {state}"
    # Each line of what others wrote begins with a bar, so that it cannot pass for a line of ours.
    text = "(redacted)" if question.describe is None else question.describe
    lines = [f"  | {line}" for line in harmless(text).split("\n")]
    return "\n".join([f"{one_line(question.approval_id)[:_SHOWN]}  {one_line(told)}", *lines])


def _answered(question: Approval) -> str:
    by = f" by {question.decided_by}" if question.decided_by else ""
    why = f": {question.comment}" if question.comment else ""
    return one_line(f"{question.approval_id[:_SHOWN]} is {question.state}{by}{why}")


def _line(question: Approval) -> tuple[str, ...]:
    times = (instant(question.requested_at), instant(question.expires_at))
    who = (question.submitted_by, question.worker, question.rule, question.task_id)
    return (question.approval_id, question.state, *times, *who, question.describe or "")


def _now() -> int:
    return int(time.time() * 1000)
