"""``clawtrail run``: a command over there as if it ran here."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import click

from clawtrail.client import Client
from clawtrail.commands.attending import perform
from clawtrail.commands.live import LiveOutput
from clawtrail.commands.options import json_option, pair, submitting
from clawtrail.commands.printing import print_json
from clawtrail.manual import ManualCommand
from clawtrail.moments import duration
from clawtrail.result import Result
from clawtrail.tasks import CommandOptions, Task


class TextOrWords(ManualCommand):
    """A command whose words after ``--`` are kept apart from its own: they are an argv."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take what stands after the first ``--`` as the argv, and parse the rest."""
        if "--" in args:
            border = args.index("--")
            ctx.meta["argv"], args = args[border + 1 :], args[:border]
        return super().parse_args(ctx, args)


@click.command(cls=TextOrWords, options_metavar="[OPTIONS]")
@click.argument("text", nargs=-1, metavar="{TEXT | -- PROGRAM [ARGUMENT]...}")
@click.option("--timeout", type=duration, metavar="DURATION", help="How long it may run.  [default: 30s]")
@click.option("--cwd", metavar="DIR", help="The folder to run it in.")
@click.option(
    "--env",
    type=pair,
    metavar="NAME=VALUE",
    multiple=True,
    help="A variable for its environment; may be repeated.",
)
@click.option(
    "--stdin", "stdin_file", metavar="FILE", help="Its standard input, from a file, or from here with -."
)
@click.option(
    "--label", "labels", multiple=True, metavar="K=V", help="What the worker must have; may be repeated."
)
@click.option("--priority", type=click.IntRange(-100, 100), help="Higher goes first.  [default: 0]")
@click.option(
    "--effect",
    type=click.Choice(["read", "idempotent", "mutating"]),
    help="What a second run would do, after a lost worker: only what is not mutating is run again.",
)
@click.option(
    "--ttl", type=duration, metavar="DURATION", help="Give it up when it has not started in this time."
)
@click.option("--tag", "tags", multiple=True, help="A word to find it by; may be repeated.")
@click.option(
    "--idempotency-key", metavar="KEY", help="Your name for this request: sent again, it is the same task."
)
@click.option("--detach", is_flag=True, help="Print the task's id and leave.")
@json_option
@submitting
def run(
    client: Client,
    *,
    text: tuple[str, ...],
    stdin_file: str | None,
    detach: bool,
    as_json: bool,
    **options: object,
) -> int:
    """Run a command over there and show its output as it comes.

    TEXT is one argument, for the shell over there. After -- come a program and its arguments, without a
    shell. Output comes on standard output and error; the exit status is the task's own.

    With --sign, or a key that is set, the worker can tell that the task is yours (docs/signing.md). It names
    the workers that may run it, once, within two hours or the --ttl.

    Ctrl-C asks on a terminal whether to cancel the task, to detach from it or to wait on; elsewhere it
    cancels.

    Examples:
      clawtrail run 'uname -a && uptime'
      clawtrail run --cwd ~/code/site --timeout 10m -- git pull --ff-only
      clawtrail run --stdin notes.txt -- wc -w
      ID=$(clawtrail run --detach 'make release'); clawtrail watch $ID
      clawtrail run --sign --audience macbook -- git push
      clawtrail run --idempotency-key "backup $(date -I)" -- restic backup ~/Notes

    Exit status:
      0-255  the task's own (124: timeout; 126: refused by policy, or not executable; 127: not found)
      125    no exit code: cancelled, denied, expired, or unknown because its worker was lost
      130    cancelled or left by Ctrl-C
      2      wrong usage, or no server or token configured
      69     server not reachable      75  too much to do there; try later
      76     that is no Clawtrail      77  token not accepted, or not allowed to do this
      1      refused as invalid

    """
    argv = cast("Sequence[str] | None", click.get_current_context().meta.get("argv"))
    task = _task(text, argv, _given(options, stdin_file))
    if detach:
        submitted = client.submit_task(task)
        print_json({"taskId": submitted.task_id}) if as_json else click.echo(submitted.task_id)
        return 0
    if as_json:
        return perform(client, task, on_result=_print_result)
    return perform(client, task, live=LiveOutput())


def _task(text: tuple[str, ...], argv: Sequence[str] | None, options: CommandOptions) -> Task:
    if argv is None and len(text) == 1:
        return Task.make(text[0], **options)
    if argv and not text:
        return Task.make(argv=argv, **options)
    raise click.UsageError(
        "Give one text for the shell, in quotes (clawtrail run 'git status'), "
        "or a program after two dashes (clawtrail run -- git status)."
    )


def _given(options: dict[str, object], stdin_file: str | None) -> CommandOptions:
    given = {name: value for name, value in options.items() if value not in (None, ())}
    if "env" in given:
        given["env"] = dict(cast("Sequence[tuple[str, str]]", given["env"]))
    if stdin_file is not None:
        given["stdin"] = _stdin(stdin_file)
    return cast("CommandOptions", given)


def _stdin(file: str) -> str:
    try:
        content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return content.decode("utf-8")
    except OSError as error:
        raise click.UsageError(f"The file for --stdin cannot be read: {file}: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise click.UsageError(
            "Standard input for a task must be UTF-8 text; send other bytes with `write`."
        ) from None


def _print_result(result: Result) -> None:
    print_json(result.raw)
