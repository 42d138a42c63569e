"""``clawtrail show``: everything about one task."""

from __future__ import annotations

from collections.abc import Iterator

import click

from clawtrail.answers import Detail, Outcome
from clawtrail.client import Client
from clawtrail.commands.ids import whole_id
from clawtrail.commands.options import connected, json_option
from clawtrail.commands.printing import compact, duration, instant, print_json, print_pairs
from clawtrail.manual import ManualCommand


@click.command(cls=ManualCommand)
@click.argument("task_id", metavar="ID")
@json_option
@connected
def show(client: Client, *, task_id: str, as_json: bool) -> None:
    """Show everything about one task.

    That is: what it asks for, where it stands and why, what comes next, and what each attempt left.

    ID is a task's id, the start or end of one (4 characters or more, of the newest 500), or the word last.

    Examples:
      clawtrail show 3f2c
      clawtrail show last --json | jq .explain

    """
    detail = client.show(whole_id(client, task_id))
    if as_json:
        print_json(detail.raw)
    else:
        print_pairs(_pairs(detail))


def _pairs(detail: Detail) -> Iterator[tuple[str, str | None]]:
    task = detail.summary
    yield "task", task.task_id
    yield "state", task.state if task.reason is None else f"{task.state} ({task.reason})"
    yield "kind", task.kind
    for name, value in detail.payload.items():
        yield f"  {name}", compact(value)
    yield "submitted by", task.actor
    yield "tags", ", ".join(task.tags)
    yield "worker", task.worker
    yield "created", instant(task.created_at)
    yield "started", instant(task.started_at)
    yield "finished", instant(task.finished_at)
    yield "took", duration(task.duration_ms)
    for outcome in detail.outcomes:
        yield f"attempt {outcome.attempt}", _outcome(outcome)
        for name, value in outcome.metadata.items():
            yield f"  {name}", compact(value)
    yield "why", detail.why
    yield "next", detail.next
    if detail.safe_to_resend is not None:
        yield "safe to resend", "yes" if detail.safe_to_resend else "no"


def _outcome(outcome: Outcome) -> str:
    parts = [f"exit code {outcome.exit_code}", duration(outcome.duration_ms), outcome.error or ""]
    parts.append("" if outcome.accepted else "came too late, kept as evidence only")
    return ", ".join(filter(None, parts))
