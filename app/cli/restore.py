"""``clawtrail restore``: a backup in the place of the present database."""

from __future__ import annotations

import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy.exc import DatabaseError

from app.auditing import remembering
from app.cli import opening
from app.cli.backup import check
from app.cli.leaving import leave, or_leave
from app.cli.options import database_options, settings_of
from app.services import restoring
from app.services.restoring import Known
from app.storage import backing_up, engine, key_file, migrating, sweeping
from clawtrail.formats.notes import BadKey, Verifier
from clawtrail.manual import ManualCommand

_NOT_GOOD = 1
_PATIENCE_S = 10.0


@click.command("restore", cls=ManualCommand)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--allow-rollback", is_flag=True, help="Go back behind what was signed since.")
@click.option(
    "--key", "verifier", metavar="K", help="The verifier key of the backup's record, without FILE.key."
)
@database_options
def restore(
    file: Path,
    *,
    allow_rollback: bool,
    verifier: str | None,
    **given: Any,  # noqa: ANN401 - options by name
) -> None:
    """Put the backup FILE in the place of the database.

    The server must be stopped. FILE is checked first, as clawtrail backup does. The database that it replaces
    is kept beside it, as clawtrail.db.before-restore-TIME. The record says that it was restored
    (record.restored), from which size to which. What was taken out (content.redacted) since the backup was
    made is taken out of it again.

    If the present database knows a checkpoint that the backup does not reach or contradicts, this is refused:
    lines of the record would be lost that others may hold receipts of. --allow-rollback does it all the same;
    clients and workers that remember a newer checkpoint will raise an alarm, rightly.

    If FILE.key is there and this folder has no key, it is put in place, too. Checkpoints are checked with the
    key of this folder, else with FILE.key; where both are lost, with --key, as clawtrail audit key gave it.

    Exit status: 0 done, 1 FILE is not good, 2 refused.

    Examples:
      clawtrail restore /backup/clawtrail-2026-11-24.db --data /var/lib/clawtrail
      clawtrail restore /backup/clawtrail-2026-11-24.db --allow-rollback

    """
    path = or_leave(lambda: engine.sqlite_path(settings_of(given).url))
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with or_leave(lambda: engine.lock(path)):
        try:
            _restore(file, path, verifier, allow_rollback=allow_rollback)
        except (backing_up.CopyUnusable, sweeping.NotSwept) as error:
            click.echo(str(error), err=True)
            sys.exit(_NOT_GOOD)
        except OSError as error:
            leave(f"The database in {path.parent} cannot be replaced: {error.strerror}.")


def _restore(file: Path, path: Path, verifier: str | None, *, allow_rollback: bool) -> None:
    known = _look(path, allow_rollback=allow_rollback)
    key, kept_key = key_file.key_path(path), file.with_name(file.name + ".key")
    is_key_lost = not key.exists() and kept_key.exists()
    verifiers = [_verifier(kept_key if is_key_lost else key, verifier)]
    with backing_up.becoming(path, replace=True) as beside:
        backing_up.copy(file, beside)
        _bring_up_to_date(beside)
        size = check(beside, verifiers, named=file)
        left = _begin(beside, known, allow_rollback=allow_rollback)
        if is_key_lost:
            with backing_up.becoming(key, replace=False) as new_key:
                shutil.copyfile(kept_key, new_key)
        if path.exists():
            aside = path.with_name(f"{path.name}.before-restore-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
            backing_up.set_aside(path, aside)
            click.echo(f"What was there is kept as {aside}")
        if allow_rollback:  # what earlier checks saw is what is given up
            remembering.place(path).unlink(missing_ok=True)
    click.echo(f"{path}: restored, {size} events")
    for task_id in left:
        click.echo(f"Redacted since, but not ended in this backup: take it out again later: {task_id}")
    if not key.exists():
        click.echo(f"There is no key at {key}: the server makes a new one, and says so on the record.")


def _verifier(key: Path, given: str | None) -> Verifier:
    if given is not None:
        try:
            return Verifier.parse(given)
        except BadKey as error:
            raise click.BadParameter(str(error), param_hint="--key") from error
    if not key.exists():
        leave(
            "There is no key to check this backup's checkpoints with. Put its server's key beside it, as "
            "FILE.key, or give the verifier key of its record with --key.",
        )
    return or_leave(lambda: key_file.load(key)).verifier


def _look(path: Path, *, allow_rollback: bool) -> Known | None:
    """Return what the present database knows; None when there is none, or when it may be lost unread."""
    if not path.exists():
        return None
    reading = engine.reading_engine(path, connections=1)
    try:
        with reading.connect() as conn:
            return restoring.look(conn)
    except DatabaseError as error:
        if allow_rollback:
            return None
        leave(
            f"The present database cannot be read ({error.orig}), so nobody can tell what would be lost. "
            "If that is to be so: --allow-rollback.",
        )
    finally:
        reading.dispose()


def _bring_up_to_date(path: Path) -> None:
    writing = engine.writing_engine(path)
    try:
        or_leave(lambda: migrating.upgrade(writing))
    except (DatabaseError, writing.dialect.loaded_dbapi.Error) as error:
        raise backing_up.CopyUnusable(f"The backup is no database of this service: {error}") from error
    finally:
        writing.dispose()


def _begin(path: Path, known: Known | None, *, allow_rollback: bool) -> list[str]:
    """Do in the copy what must be done before it is the database; return the tasks to redact later."""
    # Opened first and closed last: see sweeping.sweep.
    with path.open("r+b", buffering=0) as file, opening.writer_at(path) as writer:
        if known is not None:
            gone = writer.perform(lambda conn: restoring.contradiction(conn, known))
            if gone is not None and not allow_rollback:
                leave(
                    f"This backup is behind the present database, or another one: {gone}. To lose what came "
                    "since: --allow-rollback, and the record will say so.",
                )
        now = opening.now()
        left = writer.perform(lambda conn: restoring.begin(conn, known, actor=opening.OPERATOR, now=now))
        writer.maintain(lambda driver: sweeping.sweep(file, driver, patience=_PATIENCE_S))
    return left
