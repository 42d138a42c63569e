"""``clawtrail audit redact``: content of a task taken out for good."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Connection

from app.cli import opening, task_ids
from app.cli.leaving import or_leave
from app.cli.options import database_options
from app.services import redacting
from app.services.redacting import Content, Redaction
from app.storage import engine, sweeping
from clawtrail.manual import ManualCommand

_PATIENCE_S = 10.0
_NOT_SWEPT = 3


@click.command("redact", cls=ManualCommand)
@click.argument("task")
@click.option("--reason", required=True, help="Why; it stays on the record for good, so no secret in it.")
@click.option("--payload", is_flag=True, help="Only what was asked for: command, prompt, content of a file.")
@click.option("--output", is_flag=True, help="Only what it left: stdout, stderr, error, metadata.")
@database_options
def redact(
    task: str,
    reason: str,
    *,
    payload: bool,
    output: bool,
    **given: Any,  # noqa: ANN401 - options by name
) -> None:
    """Take content of a task out for good.

    Payload and output are deleted, with their salts, and the record says so: content.redacted, with the
    reason. Their digests stay, so record and receipts still verify, and say that content is gone. There is
    no way back. The server may run. The task must have ended; TASK is its id, or the start or end of it.

    Then what was deleted is overwritten in the database file, and its write-ahead log is emptied. If
    somebody reads on for 10 seconds so that this cannot be done, the exit status is 3: give the same command
    again. 0 is done (or was done before), 2 refused.

    Not covered: what events tell in clear (tags, labels, names, the reason of a cancellation, notes of
    workers), other tasks with the same content, backups, and whatever the worker's computer has.

    Examples:
      clawtrail audit redact 7f3a19c2-41d0-7c3e-9a55-0d6c1b2f8e77 --reason 'a password in the command'
      clawtrail audit redact 0d6c1b2f8e77 --output --reason 'medical data'

    """
    contents = [one for one, asked in ((Content.PAYLOAD, payload), (Content.OUTPUT, output)) if asked]
    with opening.reader(given) as (path, conn):
        task_id = _whole_id(conn, task)
        copies = redacting.list_copies(conn, task_id)
    # Opened first and closed last: see sweeping.sweep.
    with (
        or_leave(lambda: path.open("r+b", buffering=0)) as file,
        _alone(path),
        opening.writer(given) as writer,
    ):
        done = or_leave(
            lambda: writer.perform(
                lambda conn: redacting.redact(
                    conn,
                    task_id,
                    contents or tuple(Content),
                    reason=reason,
                    actor=opening.OPERATOR,
                    now=opening.now(),
                )
            )
        )
        for sentence in _sentences(task_id, done, copies):
            click.echo(sentence)
        try:
            writer.maintain(lambda driver: sweeping.sweep(file, driver, patience=_PATIENCE_S))
        except sweeping.NotSwept as error:
            click.echo(str(error), err=True)
            sys.exit(_NOT_SWEPT)


def _whole_id(conn: Connection, given: str) -> str:
    if given == "last":
        raise click.BadParameter("which task is the last one can change meanwhile; give its id.")
    return task_ids.whole_id(conn, given)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keep the server away where a second program that empties the log could damage the database."""
    if engine.sqlite_module().sqlite_version_info >= engine.FIRST_SOUND_SQLITE:
        yield
        return
    with or_leave(lambda: engine.lock(path)):
        yield


def _sentences(task_id: str, done: Redaction, copies: list[str]) -> Iterator[str]:
    if done.removed:
        yield f"{task_id}: {_named(done.removed)} taken out for good"
    if done.before:
        yield f"{task_id}: {_named(done.before)} had been taken out before"
    if copies:
        yield f"Reruns have the same content, and keep it until they are redacted, too: {' '.join(copies)}"


def _named(contents: tuple[Content, ...]) -> str:
    return " and ".join(one.value for one in contents)
