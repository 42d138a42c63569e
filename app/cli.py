"""The server's commands: ``serve``, ``migrate`` and ``token``."""

from __future__ import annotations

import os
import re
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from app.domain.errors import ServiceError
from app.domain.roles import Role
from app.services import access
from app.storage import engine, migrating
from app.storage.writer import Writer
from config import logs
from config.server import ServerSettings, SettingsFault, load

T = TypeVar("T")
OPERATOR = "system:operator"
DATA = click.option("--data", type=click.Path(path_type=Path), help="Folder of the database.")
URL = click.option("--database-url", help="The database, when it is not in the data folder.")
CONFIG = click.option(
    "--config",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="File of NAME=value lines; the environment wins over it.",
)


@click.command()
@click.option("--host", help="Address to listen on (127.0.0.1).")
@click.option("--port", type=int, help="Port to listen on (3456).")
@click.option("--wait-port", type=int, help="A second port for long polls.")
@DATA
@URL
@CONFIG
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
    settings = _settings(given)
    logs.set_up(settings.log_format, settings.log_level, gather=True)
    _raise_file_limit(settings.max_waiting)
    sys.exit(_serve(settings))


@click.command()
@DATA
@URL
@CONFIG
def migrate(**given: Any) -> None:  # noqa: ANN401 - options by name
    """Bring the database to the schema of this version; does nothing when it is there already.

    The server must not be running: it migrates by itself when it starts.
    """
    settings = _settings(given)
    path = _or_leave(lambda: engine.sqlite_path(settings.url))
    _or_leave(lambda: engine.prepare(path))
    held = _or_leave(lambda: engine.lock(path))
    before, after = _or_leave(lambda: migrating.upgrade(engine.writing_engine(path)))
    held.close()
    was = "a new database" if before is None else f"schema {before}"
    click.echo(f"{path}: {was}, now at schema {after}")


@click.group()
def token() -> None:
    """Make, list and revoke tokens.

    A running server takes note within a second.
    """


@token.command("new")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--name", required=True, help="Whose token it is, as the record will name it.")
@click.option("--expires", help="How long it is valid: 90d, 12h, 30m (default: for ever).")
@DATA
@URL
@CONFIG
def new(role: str, name: str, expires: str | None, **given: Any) -> None:  # noqa: ANN401
    r"""Make a token and show it, this once.

    \b
    Example:
      clawtrail token new --role client --name discord-bot --expires 90d
    """
    made, now = access.new_token(Role(role)), _now()
    until = None if expires is None else now + _milliseconds(expires)
    with _writer(given) as writer:
        _or_leave(
            lambda: writer.perform(
                lambda conn: access.create(
                    conn,
                    name=name,
                    role=Role(role),
                    token=made,
                    expires_at=until,
                    actor=OPERATOR,
                    now=now,
                ),
            ),
        )
    if sys.stdout.isatty():
        click.echo(f"The {role} token of {name}, shown this once; keep it safe:", err=True)
    click.echo(made)


@token.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@DATA
@URL
@CONFIG
def list_(*, as_json: bool, **given: Any) -> None:  # noqa: ANN401
    """List every token ever made, without its secret."""
    import json  # noqa: PLC0415

    with _writer(given) as writer:
        rows = writer.perform(access.list_tokens)
    now = _now()
    for row in rows:
        told = {
            "name": row.name,
            "role": row.role,
            "state": _token_state(row, now),
            "created": _iso(row.created_at),
            "expires": _iso(row.expires_at),
            "revoked": _iso(row.revoked_at),
        }
        line = "\t".join(value or "-" for value in told.values())
        click.echo(json.dumps(told) if as_json else line)


@token.command("revoke")
@click.argument("name")
@DATA
@URL
@CONFIG
def revoke(name: str, **given: Any) -> None:  # noqa: ANN401
    """Make the token called NAME invalid for good, on open connections too."""
    with _writer(given) as writer:
        _or_leave(
            lambda: writer.perform(
                lambda conn: access.revoke(conn, name=name, actor=OPERATOR, now=_now()),
            ),
        )
    click.echo(f"{name}: revoked")


def _serve(settings: ServerSettings) -> int:
    from app.serving import Server  # noqa: PLC0415 - flask takes long to load

    app = _or_leave(_application)
    try:
        server = Server(app, settings)
    except OSError as error:
        _leave(f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}. Try --port.")
    click.echo(f"Clawtrail listens on http://{settings.host}:{server.ports[0]}", err=True)
    for port in server.ports[1:]:
        click.echo(f"and for long polls on http://{settings.host}:{port}", err=True)
    return server.run()


def _application() -> Any:  # noqa: ANN401 - a Flask application, which is not loaded here
    import wsgi  # noqa: PLC0415 - it opens the database

    return wsgi.application


def _settings(given: dict[str, Any]) -> ServerSettings:
    """Read the settings; options become the environment, which wins over the file."""
    config = given.pop("config", None)
    if config is not None:
        os.environ["CLAWTRAIL_CONFIG"] = str(config)
    for name, value in given.items():
        if value is not None:
            os.environ[f"CLAWTRAIL_{name.upper()}"] = str(value)
    try:
        return load()
    except SettingsFault as fault:
        _leave(f"The settings are not usable:\n{fault}")


@contextmanager
def _writer(given: dict[str, Any]) -> Iterator[Writer]:
    settings = _settings(given)
    path = _or_leave(lambda: engine.sqlite_path(settings.url))
    if not path.exists():
        _leave(f"There is no database at {path}. Make it with: clawtrail migrate --data DIR")
    writing = engine.writing_engine(path)
    _or_leave(lambda: _known_schema(writing))
    writer = Writer(writing, committed=lambda _events: None, failed=lambda: None)
    try:
        yield writer
    finally:
        writer.farewell(lambda _conn: None)
        writing.dispose()


def _known_schema(writing: Any) -> None:  # noqa: ANN401 - an engine
    found = migrating.revision(writing)
    if found != migrating.HEAD:
        raise migrating.SchemaFromTheFuture(
            f"The database is at schema {found}, this version needs {migrating.HEAD}: "
            "run clawtrail migrate while the server is stopped.",
        )


def _or_leave(work: Callable[[], T]) -> T:
    try:
        return work()
    except (
        ServiceError,
        engine.DatabaseInUse,
        engine.UnsupportedDatabase,
        migrating.SchemaFromTheFuture,
        PermissionError,
    ) as error:
        _leave(str(error))


def _leave(sentence: str) -> NoReturn:
    click.echo(sentence, err=True)
    sys.exit(2)


def _raise_file_limit(waits: int) -> None:
    """A parked poll is an open file: ask for enough of them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * waits + 1024
    if soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _milliseconds(duration: str) -> int:
    units = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000}
    found = re.fullmatch(r"(\d{1,6})([dhms])", duration)
    if found is None or not int(found[1]):
        raise click.BadParameter("use a number and d, h, m or s, as 90d", param_hint="--expires")
    return int(found[1]) * units[found[2]]


def _token_state(row: Any, now: int) -> str:  # noqa: ANN401 - a row
    if row.revoked_at is not None:
        return "revoked"
    expired = row.expires_at is not None and row.expires_at <= now
    return "expired" if expired else "valid"


def _iso(at: int | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at / 1000, UTC).isoformat("T", "seconds")


def _now() -> int:
    import time  # noqa: PLC0415

    return time.time_ns() // 1_000_000
