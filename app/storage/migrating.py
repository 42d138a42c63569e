"""Bringing a database to the schema that this version of the service knows."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

HEAD = "0009"
"""The revision that this code is written for; a test holds it to the newest migration."""


class SchemaFromTheFuture(Exception):
    """A newer version of the service made this database; this one does not understand it."""


def upgrade(engine: Engine) -> tuple[str | None, str]:
    """Bring the database behind *engine* to ``HEAD`` in one transaction; return (from, to).

    Does nothing when it is there already. Raises ``SchemaFromTheFuture`` for a revision that this
    version does not know. *engine* must be the writing one.
    """
    before = revision(engine)
    if before == HEAD:
        return before, HEAD
    if before is not None and before > HEAD:
        raise SchemaFromTheFuture(
            f"The database is at schema {before}, but this version knows only {HEAD}. "
            "Install the version that made it, or a newer one.",
        )
    _run("upgrade", engine, "head")
    return before, HEAD


def downgrade(engine: Engine, to: str) -> None:
    """Take the database back to revision *to* (``base`` for nothing), losing what it cannot hold."""
    _run("downgrade", engine, to)


def revision(engine: Engine) -> str | None:
    """Return the revision of the database, or None when it has no schema yet."""
    with engine.connect() as conn:
        try:
            found = conn.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        except OperationalError:
            return None
    return None if found is None else str(found)


def _run(what: str, engine: Engine, target: str) -> None:
    # Imported here since alembic takes long to load and is seldom needed.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    spec = find_spec("migrations")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("the migrations are not installed")
    config.set_main_option("script_location", str(Path(spec.origin).parent))
    with engine.connect() as conn:
        config.attributes["connection"] = conn
        getattr(command, what)(config, target)
        conn.commit()
