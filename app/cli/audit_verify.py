"""``clawtrail audit verify``: whether the database is what its record says, down to every leaf."""

from __future__ import annotations

import gc
import json
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from app.auditing import remembering, verifying
from app.auditing.remembering import NotRemembered, Seen
from app.auditing.verifying import Report
from app.auditing.vouching import Claim
from app.cli import opening
from app.cli.leaving import leave, or_leave
from app.cli.options import database_options
from app.storage import key_file
from clawtrail.formats.checkpoints import Checkpoint, CheckpointRejected, open_checkpoint
from clawtrail.formats.notes import Verifier
from clawtrail.manual import ManualCommand
from clawtrail.verifier_keys import verifier_key

_ALL = 100


@click.command("verify", cls=ManualCommand)
@click.option("--since-checkpoint", is_flag=True, help="Check only what came after the last good check.")
@click.option(
    "--key",
    "keys",
    metavar="KEY",
    multiple=True,
    type=verifier_key,
    help="A verifier key, or a file with one, in place of the data folder's key; may be repeated.",
)
@click.option(
    "--checkpoint",
    "remembered",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="A checkpoint kept elsewhere, which the record must begin with; may be repeated.",
)
@click.option("--all", "every", is_flag=True, help=f"Do not stop at the first fault; list up to {_ALL}.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@database_options
def verify(
    *,
    since_checkpoint: bool,
    keys: tuple[Verifier, ...],
    remembered: tuple[Path, ...],
    every: bool,
    as_json: bool,
    **given: Any,  # noqa: ANN401 - options by name
) -> None:
    """Check that the record and all tables are as they were written.

    Computes every leaf, tile and root anew, checks every checkpoint's signature, follows every task through
    its states, and compares tables, payloads, outcomes and output with what the record says of them. The
    first fault is named with the number of its event. The database is only read; the server may run.

    A good check is remembered in a file beside the database. With --since-checkpoint the next one begins
    there: it checks what came since, and believes the rest as far as the root shows it unchanged.

    The exit status is 0 when all is well, 1 when anything is not, and 2 when it could not be checked.

    Examples:
      clawtrail audit verify
      clawtrail audit verify --data /var/lib/clawtrail --all
      clawtrail audit verify --since-checkpoint --json
      clawtrail audit verify --checkpoint kept-on-paper.txt --key log.key

    """
    with opening.reader(given) as (path, conn):
        verifiers = list(keys) or [_own_key(path)]
        place = remembering.place(path)
        since = _last(place) if since_checkpoint else None
        claims = [_claim(file, verifiers) for file in remembered] + _own_claim(place)
        gc.disable()  # nothing here goes in circles, and looking for such takes a tenth of the time
        began = time.perf_counter()
        with _bar(shown=sys.stderr.isatty() and not as_json) as progress:
            report = verifying.verify(
                conn,
                verifiers=verifiers,
                now=int(time.time() * 1000),
                claims=claims,
                since=since,
                limit=_ALL if every else 1,
                progress=progress,
            )
    if report.seen is not None:
        _remember(place, report.seen)
    _print(report, seconds=time.perf_counter() - began, as_json=as_json)
    sys.exit(1 if report.faults else 0)


def _remember(place: Path, seen: Seen) -> None:
    try:
        remembering.save(place, seen)
    except OSError as error:  # whoever may only read can still check
        click.echo(f"This check could not be remembered in {place}: {error.strerror}.", err=True)


def _own_key(database: Path) -> Verifier:
    path = key_file.key_path(database)
    try:
        return or_leave(lambda: key_file.load(path)).verifier
    except FileNotFoundError:
        leave(f"There is no key at {path}. Give the record's verifier key with --key.")


def _last(place: Path) -> Seen:
    try:
        return remembering.load(place)
    except NotRemembered as error:
        leave(f"{error} Check everything once, without --since-checkpoint.")


def _own_claim(place: Path) -> list[Claim]:
    """What the last good check saw must still be there, also when everything is checked anew."""
    try:
        seen = remembering.load(place)
    except NotRemembered:
        return []
    return [Claim(seen.size, seen.root, f"the last good check ({place})")]


def _claim(file: Path, verifiers: list[Verifier]) -> Claim:
    opened = [_opened(file.read_bytes(), verifier) for verifier in verifiers]
    kept = next((one for one in opened if isinstance(one, Checkpoint)), None)
    if kept is None:
        leave(f"{file} is no checkpoint that the key vouches for: {opened[0]}.")
    return Claim(kept.size, kept.root, f"the checkpoint in {file}")


def _opened(note: bytes, verifier: Verifier) -> Checkpoint | CheckpointRejected:
    try:
        return open_checkpoint(note, verifier)
    except CheckpointRejected as rejected:
        return rejected


@contextmanager
def _bar(*, shown: bool) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on the terminal while something is done; nothing where nobody looks."""
    if not shown:
        yield lambda _done, _total: None
        return
    from rich.console import Console  # noqa: PLC0415 - slow to load, and only for a terminal
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn  # noqa: PLC0415

    columns = ("events", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _print(report: Report, *, seconds: float, as_json: bool) -> None:
    read = report.size - report.first
    if as_json:
        told = {
            "ok": not report.faults,
            "size": report.size,
            "root": b64encode(report.root).decode(),
            "events": read,
            "since": report.first,
            "tasks": report.tasks,
            "checkpoints": report.checkpoints,
            "seconds": round(seconds, 3),
            "notes": report.notes,
            "faults": [{"seq": one.seq, "taskId": one.task_id, "what": one.what} for one in report.faults],
        }
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    for fault in report.faults:
        click.echo(f"Not as it was written: {fault}")
    for note in report.notes:
        click.echo(f"Note: {note}")
    if not report.faults:
        since = f" since event {report.first}" if report.first else ""
        click.echo(
            f"All is well: {read} events{since}, {report.tasks} tasks, {report.checkpoints} checkpoints, "
            f"in {seconds:.1f} s. The record has {report.size} events, its root is "
            f"{b64encode(report.root).decode()}."
        )
