"""The command ``clawtrail policy replay``: which past tasks another policy would have decided otherwise.

It reads the record as a client does, so it is the one module of the worker that uses the client.
"""

import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from clawtrail import moments
from clawtrail.answers import Summary
from clawtrail.client import Client
from clawtrail.commands.ids import short_id
from clawtrail.commands.options import connected, json_option
from clawtrail.commands.printing import instant, moment, on_terminal, print_json, print_tabs
from clawtrail.errors import NotFound
from clawtrail.manual import ManualCommand
from clawtrail.terminal import one_line
from worker import environment
from worker.policy.guarding import read
from worker.policy.loading import Policy, PolicyFaulty, load
from worker.policy.replaying import NotJudged, Replay, Saying, said_of

_AT_ONCE = 8
_AHEAD = 32
"""So many tasks are looked up before the first of them is shown, however many there are."""


@dataclass(frozen=True)
class Looked:
    """One task of the past: what was said of it and what would be, or why that cannot be told."""

    task: Summary
    was: Saying | None = None
    now: Saying | None = None
    reason: str = ""


@click.command(cls=ManualCommand)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--since",
    type=moments.moment,
    default="90d",
    show_default=True,
    metavar="WHEN",
    help="Look at tasks made since then.",
)
@click.option("--worker", help="Only at those that this worker took.")
@json_option
@connected
def replay(client: Client, *, file: Path, since: int, worker: str | None, as_json: bool) -> None:
    """List the past tasks that the policy in FILE would decide otherwise; nothing is run.

    For each task that a worker's policy decided on, the record has the verdict and the rule. What was
    submitted is put to FILE, and shown when the verdict is another one. The token must be one that may read
    tasks. WHEN is how long ago (2h, 90d), or a date or time in ISO 8601.

    In a pipe there is a line for each, with tabs between: id, created, submitted by, worker, verdict and
    rule then, verdict and rule now, why, what. With --json the last line counts.

    FILE is asked on this computer as it is now: programs are looked for on the PATH of your login shell,
    folders and links are as they are today. Run it where the worker runs, as the worker's user. What cannot
    be judged is counted with the reason: what was redacted, what ended before a policy saw it, what old
    workers ran without one, what is for agents. Approvals that people gave are not repeated: then as now it
    was "ask". Secrets and sandboxes are not looked for.

    Examples:
      clawtrail policy replay new-policy.toml
      clawtrail policy replay --since 30d --worker macbook new-policy.toml
      clawtrail policy replay --json new-policy.toml | jq -r 'select(.now.verdict == "deny") | .summary'

    Exit status:
      0  no task would be decided otherwise
      1  some would
      2  wrong usage, or a policy that cannot be used

    """
    asked = Replay(_policy(file), environment.build(search_path=None)["PATH"])
    counts: Counter[str] = Counter()
    not_judged: Counter[str] = Counter()
    with _progress(since) as went_back_to:
        tasks = client.list(since=since, worker=worker)
        for looked in _in_order(tasks, lambda task: _look(client, task, asked)):
            counts["looked"] += 1
            if looked.was is None or looked.now is None:
                not_judged[looked.reason] += 1
            elif looked.was.verdict != looked.now.verdict:
                counts["differ"] += 1
                _show(looked.task, looked.was, looked.now, as_json=as_json)
            went_back_to(looked.task.created_at)
    _sum_up(counts, not_judged, as_json=as_json)
    sys.exit(1 if counts["differ"] else 0)


def _policy(file: Path) -> Policy:
    try:
        return load(read(file))
    except PolicyFaulty as error:
        lines = "\n".join(f"{file}:{line}: {fault}" for line, fault in error.faults)
        raise click.UsageError(f"This policy cannot be used:\n{lines}") from None
    except OSError as error:
        raise click.UsageError(f"Cannot read {file}: {error.strerror}") from error


def _look(client: Client, task: Summary, asked: Replay) -> Looked:
    try:
        was = said_of((event.type, event.detail) for event in client.history(task.task_id))
        raw = client.show(task.task_id).raw["task"]
        payload = raw.get("payload") if isinstance(raw, dict) else None
        return Looked(task, was, asked.says(task.kind, payload, task.actor))
    except NotJudged as reason:
        return Looked(task, reason=str(reason))
    except NotFound:
        return Looked(task, reason="the server does not show it any more")


def _in_order(tasks: Iterable[Summary], look: Callable[[Summary], Looked]) -> Iterator[Looked]:
    """Look at several at once, and give them in their order."""
    ahead: deque[Future[Looked]] = deque()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        try:
            for task in tasks:
                ahead.append(pool.submit(look, task))
                if len(ahead) >= _AHEAD:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for future in ahead:
                future.cancel()


@contextmanager
def _progress(since: int) -> Iterator[Callable[[int], None]]:
    """Show on a terminal how far back has been looked; the newest tasks come first."""
    began = int(time.time() * 1000)
    # What is printed meanwhile goes above the bar, wherever standard output leads.
    console = Console(stderr=True)
    columns = (TextColumn("looking back"), BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("looking back", total=max(1, began - since))
        yield lambda at: bar.update(task, completed=max(0, began - at))


def _show(task: Summary, was: Saying, now: Saying, *, as_json: bool) -> None:
    if as_json:
        said = {"taskId": task.task_id, "createdAt": task.created_at, "kind": task.kind, "actor": task.actor}
        said |= {"worker": task.worker, "summary": task.summary}
        then = {"verdict": was.verdict, "rule": was.rule}
        print_json(said | {"was": then, "now": {"verdict": now.verdict, "rule": now.rule, "why": now.why}})
    elif on_terminal():
        change = f"{was.verdict} ({was.rule}) -> {now.verdict} ({now.rule})"
        click.echo(one_line(f"{short_id(task.task_id)}  {moment(task.created_at)}  {change}  {task.summary}"))
        if "not found" in now.why:
            click.echo(one_line(f"          {now.why}"))
    else:
        about = (task.task_id, instant(task.created_at), task.actor, task.worker or "")
        print_tabs([(*about, was.verdict, was.rule, now.verdict, now.rule, now.why, task.summary)])


def _sum_up(counts: Counter[str], not_judged: Counter[str], *, as_json: bool) -> None:
    looked, differ = counts["looked"], counts["differ"]
    if as_json:
        print_json({"looked": looked, "differ": differ, "notJudged": dict(sorted(not_judged.items()))})
        return
    click.echo(f"{looked} tasks; {differ} would be decided otherwise", err=True)
    for reason, count in not_judged.most_common():
        click.echo(f"{count} not judged: {reason}", err=True)
