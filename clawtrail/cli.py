"""The command ``clawtrail``: a group that loads each command only when it is typed."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from clawtrail import __version__
from clawtrail.errors import ClawtrailError
from clawtrail.lazy import Entry, LazyGroup
from clawtrail.terminal import harmless, one_line, prepare_streams

SECTIONS: dict[str, dict[str, Entry]] = {
    "Tasks": {
        "run": Entry(
            "clawtrail.commands.run", "run", "Run a command over there and show its output as it comes."
        ),
        "tasks": Entry("clawtrail.commands.tasks", "tasks", "List tasks, newest first."),
        "show": Entry("clawtrail.commands.show", "show", "Show everything about one task."),
        "history": Entry("clawtrail.commands.history", "history", "Show what the record says of one task."),
        "watch": Entry("clawtrail.commands.watch", "watch", "Follow one task: its states and its output."),
        "cancel": Entry("clawtrail.commands.again", "cancel", "Ask for the end of a task."),
        "rerun": Entry(
            "clawtrail.commands.again", "rerun", "Make a new task with the content of an old one."
        ),
    },
    "Agents": {
        "claude": Entry(
            "clawtrail.commands.asking",
            "claude",
            "Hand a prompt to Claude Code over there and show its answer.",
        ),
        "codex": Entry(
            "clawtrail.commands.asking", "codex", "Hand a prompt to Codex over there and show its answer."
        ),
        "gemini": Entry(
            "clawtrail.commands.asking", "gemini", "Hand a prompt to Gemini over there and show its answer."
        ),
        "sessions": Entry(
            "clawtrail.commands.sessions", "sessions", "List the sessions of agents, the newest first."
        ),
        "mcp": Entry(
            "clawtrail.commands.mcp",
            "mcp",
            "Give a model tools for tasks, on standard input and output.",
        ),
    },
    "Schedules": {
        "schedule": Entry(
            "clawtrail.commands.schedule",
            "schedule",
            "Have tasks submitted at set times, by the server itself.",
        ),
    },
    "Approvals": {
        "approvals": Entry(
            "clawtrail.commands.approvals", "approvals", "Show what workers ask before they run it."
        ),
        "approve": Entry("clawtrail.commands.deciding", "approve", "Say yes to a worker's question."),
        "deny": Entry("clawtrail.commands.deciding", "deny", "Say no to a worker's question."),
    },
    "Files": {
        "read": Entry("clawtrail.commands.files", "read", "Print a file of the worker's computer."),
        "write": Entry("clawtrail.commands.files", "write", "Write a file on the worker's computer."),
        "edit": Entry(
            "clawtrail.commands.files", "edit", "Replace exact text in a file of the worker's computer."
        ),
    },
    "Record": {
        "receipt": Entry(
            "clawtrail.commands.receipt",
            "receipt",
            "Fetch a text that proves what the record says of a task.",
        ),
        "verify": Entry(
            "clawtrail.commands.verify", "verify", "Check a receipt offline, and say what it proves."
        ),
        "checkpoint": Entry(
            "clawtrail.commands.checkpoint",
            "checkpoint",
            "Check that the record only grew, and print its checkpoint.",
        ),
        "audit": Entry("app.cli.audit", "audit", "Read the record and look after it, beside the database."),
    },
    "Service": {
        "workers": Entry("clawtrail.commands.workers", "workers", "List the workers that the server knows."),
        "up": Entry("clawtrail.commands.up", "up", "Start a server and a worker together on this computer."),
        "worker": Entry("worker.cli", "worker", "Run the worker: take tasks from a server and do them here."),
        "policy": Entry("worker.policy_cli", "policy", "Say what may run on this computer."),
        "secrets": Entry(
            "worker.secrets_cli", "secrets", "Keep what tasks here may use by name and nobody sees."
        ),
        "keys": Entry(
            "clawtrail.commands.keys", "keys", "Make keys to sign with, and say whose signatures count here."
        ),
        "serve": Entry("app.cli.serve", "serve", "Run the server."),
        "migrate": Entry("app.cli.migrate", "migrate", "Bring the server's database to this version's form."),
        "backup": Entry("app.cli.backup", "backup", "Copy the database into FILE while the server works."),
        "restore": Entry("app.cli.restore", "restore", "Put the backup FILE in the place of the database."),
        "token": Entry("app.cli.token", "token", "Make, list and revoke the server's tokens."),
    },
}

ENTRIES = {name: entry for section in SECTIONS.values() for name, entry in section.items()}
_OURS = ("app", "clawtrail", "config", "worker")


class ReaderGone(Exception):
    """Whoever read our output does not read on."""


class Clawtrail(LazyGroup):
    """The whole command line."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; a reader that has gone away is told by an error that click lets through."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise ReaderGone from None


@click.group(
    cls=Clawtrail,
    sections=SECTIONS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="`clawtrail COMMAND --help` tells all about a command, with examples and exit statuses.",
)
@click.version_option(__version__, prog_name="clawtrail", message="%(prog)s %(version)s")
def clawtrail() -> None:
    """Run tasks on a computer behind NAT, with every step on record.

    The server and the token come from CLAWTRAIL_URL and CLAWTRAIL_TOKEN (or CLAWTRAIL_TOKEN_FILE), or from
    ~/.config/clawtrail/client.toml, which looks like this:

        url = "https://tasks.example.net"
        token_file = "~/.config/clawtrail/token"
    """


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit status; errors are one sentence on standard error."""
    prepare_streams()
    status = _run(arguments)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        status = _broken_pipe()
    sys.exit(status)


def _run(arguments: Sequence[str] | None) -> int:
    try:
        given = clawtrail.main(arguments, prog_name="clawtrail", standalone_mode=False)
    except click.ClickException as error:
        return _explain_usage(error)
    except (click.Abort, KeyboardInterrupt):
        return 130
    except ClawtrailError as error:
        return _explain(error)
    except ReaderGone:
        return _broken_pipe()
    except ModuleNotFoundError as error:
        return _explain_missing(error)
    return given if isinstance(given, int) else 0


def _explain_usage(error: click.ClickException) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return error.exit_code
    said = error.format_message()
    if isinstance(error, click.UsageError) and error.ctx is not None:
        said = f"{said.rstrip('.')}. See {error.ctx.command_path} --help"
    click.echo(f"clawtrail: {harmless(said)}", err=True)
    return error.exit_code


def _explain(error: ClawtrailError) -> int:
    from clawtrail import exits  # noqa: PLC0415 - only an error needs it

    click.echo(f"clawtrail: {one_line(exits.sentence_of(error))}", err=True)
    return exits.status_of(error)


def _explain_missing(error: ModuleNotFoundError) -> int:
    missing = (error.name or "").partition(".")[0]
    if missing in _OURS and (error.name or "") not in ("app", "app.cli"):
        raise error
    click.echo(
        f"clawtrail: This command needs the server's packages ({missing} is missing): "
        "pip install 'clawtrail[server]'",
        err=True,
    )
    return 2


def _broken_pipe() -> int:
    # Whoever read our output has gone. Python would complain once more when it closes standard output.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 141
