"""``clawtrail backup``: a whole, checked copy of the database, made while the server works."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from app.auditing.verifying import verify
from app.cli import opening
from app.cli.leaving import leave, or_leave
from app.cli.options import database_options
from app.storage import backing_up, engine, key_file
from clawtrail.formats.notes import Verifier
from clawtrail.manual import ManualCommand

_NOT_GOOD = 1


@click.command("backup", cls=ManualCommand)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
@click.option("--with-key", is_flag=True, help="Write the key that signs checkpoints, too, as FILE.key.")
@database_options
def backup(file: Path, *, force: bool, with_key: bool, **given: Any) -> None:  # noqa: ANN401 - options by name
    """Copy the database into FILE, as it is at one moment, and check the copy.

    The server may run, and is not held up. FILE is one whole SQLite database, for its owner alone. It has
    that name only when it is whole, checked and on the disk: its pages (integrity_check) and its record, as
    clawtrail audit verify does. A copy that is not good is deleted, and the status is 1.

    The key that signs checkpoints is not in it. Without the key, a server on the copy begins with a new one,
    and says so on the record. With --with-key it is written to FILE.key: whoever has it can sign in this
    record's name, so keep it apart from the copy.

    Examples:
      clawtrail backup /backup/clawtrail-2026-11-24.db --data /var/lib/clawtrail
      clawtrail backup latest.db --force

    """
    database = opening.database(given)
    key = key_file.key_path(database)
    keys = [(key, file.with_name(file.name + ".key"))] if with_key else []
    for target in (file, *(beside for _, beside in keys)):
        if target.exists() and not force:
            leave(f"{target} is there already. Give another name, or --force to replace it.")
    if with_key and not key.exists():
        leave(f"There is no key at {key} yet. The server makes it at its first start.")
    try:
        size = _copy(database, file, replace=force)
        for source, target in keys:
            with backing_up.becoming(target, replace=force) as beside:
                shutil.copyfile(source, beside)
    except backing_up.CopyUnusable as error:
        click.echo(str(error), err=True)
        sys.exit(_NOT_GOOD)
    except OSError as error:
        leave(f"{file} cannot be written: {error.strerror}.")
    click.echo(f"{file}: {size} events, {file.stat().st_size} bytes, checked")


def _copy(database: Path, file: Path, *, replace: bool) -> int:
    key = key_file.key_path(database)
    verifiers = [or_leave(lambda: key_file.load(key)).verifier] if key.exists() else []
    with backing_up.becoming(file, replace=replace) as beside:
        backing_up.copy(database, beside)
        return check(beside, verifiers, named=file)


def check(path: Path, verifiers: Sequence[Verifier], *, named: Path) -> int:
    """Return how many events are on the record of the database at *path*, if nothing in it is wrong.

    Raises ``CopyUnusable`` with the first fault; there it is called *named*.
    """
    reading = engine.lone_reading_engine(path)
    try:
        with reading.connect() as conn:
            report = verify(conn, verifiers=verifiers, now=opening.now())
    finally:
        reading.dispose()
    if report.faults:
        raise backing_up.CopyUnusable(f"The record of {named} is not good: {report.faults[0]}")
    return report.size
