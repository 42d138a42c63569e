"""``clawtrail schedule add`` and ``change``: when, what, and what becomes of times without a task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast, get_args

import click

from clawtrail.client import Client
from clawtrail.commands.options import connected, json_option, pair
from clawtrail.commands.run import TextOrWords
from clawtrail.commands.schedule_looking import tell
from clawtrail.moments import duration
from clawtrail.schedules import Changes, Misfire, Overlap, Timing
from clawtrail.tasks import Agent, CommandOptions, PromptOptions, Task

_OF_COMMANDS = {"env": "--env"}
_OF_PROMPTS = {"session_id": "--session", "model": "--model", "max_cost_usd": "--max-cost-usd"}
_POLICIES = (
    click.option(
        "--misfire",
        type=click.Choice(get_args(Misfire)),
        help="Times that passed while the server was down: skip them, or run once for all.  [default: skip]",
    ),
    click.option(
        "--overlap",
        type=click.Choice(get_args(Overlap)),
        help="A time at which the last task still goes on: skip it, or run once after it.  [default: skip]",
    ),
)
_WORK = (
    *(
        click.option(f"--{agent}", metavar="PROMPT", help=f"Hand this prompt to {name}.")
        for agent, name in (("claude", "Claude Code"), ("codex", "Codex"), ("gemini", "Gemini"))
    ),
    click.option(
        "--session", "session_id", metavar="ID", help="The agent's session to go on with; else a new one."
    ),
    click.option("--model", help="The model, by the agent's own name for it."),
    click.option(
        "--max-cost-usd", type=click.FloatRange(0, min_open=True), help="What one run may cost at most."
    ),
    click.option("--cwd", metavar="DIR", help="The folder to run it in."),
    click.option(
        "--env", type=pair, multiple=True, metavar="NAME=VALUE", help="A variable; may be repeated."
    ),
    click.option("--timeout", type=duration, metavar="DURATION", help="How long one run may take."),
    click.option(
        "--ttl", type=duration, metavar="DURATION", help="Give one up that has not started by then."
    ),
    click.option(
        "--label", "labels", multiple=True, metavar="K=V", help="What the worker must have; may be repeated."
    ),
    click.option("--priority", type=click.IntRange(-100, 100), help="Higher goes first."),
    click.option("--tag", "tags", multiple=True, help="A word to find its tasks by; may be repeated."),
    json_option,
)


def _with(*options: Callable[..., object]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    def give(function: Callable[..., None]) -> Callable[..., None]:
        for option in reversed(options):
            function = cast("Callable[..., None]", option(function))
        return function

    return give


@click.command(cls=TextOrWords, options_metavar="[OPTIONS]")
@click.argument("cron")
@click.argument("text", nargs=-1, metavar="{TEXT | -- PROGRAM [ARGUMENT]...}")
@click.option("--name", required=True, help="What it is called: letters, digits, '_', '.' and '-'.")
@click.option("--tz", help="The time zone of CRON, such as Europe/Berlin.  [default: UTC]")
@_with(*_POLICIES, *_WORK)
@connected
def add(
    client: Client, *, cron: str, text: tuple[str, ...], name: str, as_json: bool, **given: object
) -> None:
    """Have a command or a prompt run at set times.

    CRON is one argument of five fields: minute, hour, day of the month, month, day of the week. There may
    be names as MON and JAN, lists as 1,15, ranges as 9-17, steps as */10, and L for the last day. A sixth
    field in front is seconds. @hourly, @daily, @weekly, @monthly and @yearly are short for the usual.

    What runs is one text for a shell, or a program and its arguments after --, or a prompt for an agent.
    The next five times are shown, with their offset from UTC: look whether they are what was meant.

    When a clock goes forward, a time that does not exist that day comes at the first one that does. When it
    goes back, a time of day that comes twice is taken once, the first time. Steps of hours and minutes (*)
    go by real time.

    Examples:
      clawtrail schedule add '0 9 * * *' --tz Europe/Berlin --name backup -- restic backup /home
      clawtrail schedule add '*/10 * * * *' --name ping 'ping -c1 example.org | tail -1'
      clawtrail schedule add '0 7 * * MON' --name week --claude 'Sum up last week.' --max-cost-usd 0.50
      clawtrail schedule add @daily --name turn --overlap queue --misfire once -- ./turn-logs.sh

    Exit status:
      0 done    1 refused as invalid, or the name is taken    2 wrong usage
      69 server not reachable    75 try later    77 token not accepted, or not allowed

    """
    timing = cast("Timing", _timing(given))
    task = _task(text, given)
    if task is None:
        raise click.UsageError(
            "Give one text for the shell, in quotes, a program after two dashes, or a prompt with --claude."
        )
    tell(client.schedules.add(name, cron, task, **timing), as_json=as_json)


@click.command(cls=TextOrWords, options_metavar="[OPTIONS]")
@click.argument("name")
@click.argument("text", nargs=-1, metavar="[TEXT | -- PROGRAM [ARGUMENT]...]")
@click.option("--cron", help="Another cron expression.")
@click.option("--tz", help="Another time zone.")
@_with(*_POLICIES, *_WORK)
@connected
def change(client: Client, *, name: str, text: tuple[str, ...], as_json: bool, **given: object) -> None:
    """Change when a schedule fires, or what it runs.

    What is not given stays. A new command or prompt takes the place of the whole old one, with its options:
    give those again that shall stay. Options of a task alone, without one, are refused. Whoever made the
    schedule still answers for its tasks.

    Examples:
      clawtrail schedule change backup --cron '30 3 * * *'
      clawtrail schedule change backup --overlap queue
      clawtrail schedule change backup --timeout 2h -- restic backup /home /srv

    Exit status:
      0 done    1 refused as invalid, or there is no such schedule    2 wrong usage
      69 server not reachable    75 try later    77 token not accepted, or not allowed

    """
    changes = _timing(given, "cron")
    task = _task(text, given)
    if task is not None:
        changes["task"] = task
    if not changes:
        raise click.UsageError(
            "Say what shall be different: --cron, --tz, --misfire, --overlap or what it runs."
        )
    tell(client.schedules.change(name, **cast("Changes", changes)), as_json=as_json)


def _timing(given: dict[str, object], *more: str) -> dict[str, object]:
    """Take out of *given* what is said about times and policies."""
    taken = {name: given.pop(name) for name in ("tz", "misfire", "overlap", *more)}
    return {name: value for name, value in taken.items() if value is not None}


def _task(text: Sequence[str], given: dict[str, object]) -> Task | None:
    """Return the task that is typed, or None; raises ``click.UsageError`` for several, and lone options."""
    argv = cast("Sequence[str] | None", click.get_current_context().meta.get("argv"))
    prompts = {agent: prompt for agent in get_args(Agent) if (prompt := given.pop(agent)) is not None}
    options = {name: value for name, value in given.items() if value not in (None, ())}
    if len(text) + bool(argv) + len(prompts) > 1:
        raise click.UsageError("Give one thing to run: a text in quotes, a program after --, or a prompt.")
    if prompts:
        _refuse(options, _OF_COMMANDS, "a prompt")
        [(agent, prompt)] = prompts.items()
        return Task.prompt(cast("Agent", agent), str(prompt), **cast("PromptOptions", options))
    if text or argv:
        _refuse(options, _OF_PROMPTS, "a command")
        if "env" in options:
            options["env"] = dict(cast("Sequence[tuple[str, str]]", options["env"]))
        command = text[0] if text else None
        return Task.make(command, argv or None, **cast("CommandOptions", options))
    if options:
        raise click.UsageError("These options are about what it runs: give that, too.")
    return None


def _refuse(options: dict[str, object], names: dict[str, str], what: str) -> None:
    for name, typed in names.items():
        if name in options:
            raise click.UsageError(f"{typed} does not go with {what}.")
