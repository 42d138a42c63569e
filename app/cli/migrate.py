"""``clawtrail migrate``: the database brought to this version's schema."""

from __future__ import annotations

from typing import Any

import click

from app.cli.leaving import or_leave
from app.cli.options import database_options, settings_of
from app.storage import engine, migrating


@click.command()
@database_options
def migrate(**given: Any) -> None:  # noqa: ANN401 - options by name
    """Bring the database to the schema of this version; does nothing when it is there already.

    The server must not be running: it migrates by itself when it starts.
    """
    settings = settings_of(given)
    path = or_leave(lambda: engine.sqlite_path(settings.url))
    or_leave(lambda: engine.prepare(path))
    held = or_leave(lambda: engine.lock(path))
    before, after = or_leave(lambda: migrating.upgrade(engine.writing_engine(path)))
    held.close()
    was = "a new database" if before is None else f"schema {before}"
    click.echo(f"{path}: {was}, now at schema {after}")
