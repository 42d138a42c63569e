"""How the server's commands give up: one sentence on standard error, and exit status 2."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import NoReturn, TypeVar

import click

from app.domain.errors import ServiceError
from app.services import checkpoints
from app.storage import engine, key_file, migrating

T = TypeVar("T")


def or_leave(work: Callable[[], T]) -> T:
    """Return what *work* returns; leave with its sentence when it refuses or finds no usable database."""
    try:
        return work()
    except (
        ServiceError,
        engine.DatabaseInUse,
        engine.UnsupportedDatabase,
        migrating.SchemaFromTheFuture,
        key_file.KeyUnusable,
        checkpoints.RecordContradicted,
        PermissionError,
    ) as error:
        leave(str(error))


def leave(sentence: str) -> NoReturn:
    """End the program with status 2 and *sentence* on standard error."""
    click.echo(sentence, err=True)
    sys.exit(2)
