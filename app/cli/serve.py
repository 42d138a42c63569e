"""``clawtrail serve``: the server itself."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import click

from app.cli.leaving import leave, or_leave
from app.cli.options import database_options, settings_of
from app.storage import engine, migrating
from config import logs
from config.server import ServerSettings


@click.command()
@click.option("--host", help="Address to listen on (127.0.0.1).")
@click.option("--port", type=int, help="Port to listen on (3456).")
@click.option("--wait-port", type=int, help="A second port for long polls.")
@database_options
def serve(**given: Any) -> None:  # noqa: ANN401 - options by name
    r"""Run the Task API.

    Settings come from the options, the environment (CLAWTRAIL_PORT ...), a file of NAME=value
    lines, or NAME_FILE for secrets. The database is made and migrated when needed.

    SIGTERM ends it cleanly: parked polls are answered, acts in hand are committed.

    \b
    Examples:
      clawtrail serve --data /var/lib/clawtrail
      clawtrail serve --port 3456 --wait-port 3457
    """
    settings = settings_of(given)
    logs.set_up(settings.log_format, settings.log_level, gather=True)
    _raise_file_limit(settings.max_waiting)
    _migrate_apart(settings)
    sys.exit(_serve(settings))


def _serve(settings: ServerSettings) -> int:
    from app.serving import Server  # noqa: PLC0415 - flask takes long to load

    app = or_leave(_application)
    try:
        server = Server(app, settings)
    except OSError as error:
        leave(f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}. Try --port.")
    click.echo(f"Clawtrail listens on http://{settings.host}:{server.ports[0]}", err=True)
    for port in server.ports[1:]:
        click.echo(f"and for long polls on http://{settings.host}:{port}", err=True)
    return server.run()


def _migrate_apart(settings: ServerSettings) -> None:
    """Have another process make or migrate the database: what that loads would stay in this one's memory."""
    path = or_leave(lambda: engine.sqlite_path(settings.url))
    if path.exists() and _is_current(path):
        return
    # The settings that were given as options stand in the environment by now.
    done = subprocess.run(
        [sys.executable, "-m", "clawtrail", "migrate"], stdout=subprocess.DEVNULL, check=False
    )
    if done.returncode:
        sys.exit(done.returncode)


def _is_current(path: Path) -> bool:
    looking = engine.reading_engine(path, connections=1)
    found = or_leave(lambda: migrating.revision(looking))
    looking.dispose()
    return found is not None and found >= migrating.HEAD


def _application() -> Any:  # noqa: ANN401 - a Flask application, which is not loaded here
    import wsgi  # noqa: PLC0415 - it opens the database

    return wsgi.application


def _raise_file_limit(waits: int) -> None:
    """A parked poll is an open file: ask for enough of them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * waits + 1024
    if soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
