"""The options that the server's commands share, and the settings that come of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from app.cli.leaving import leave
from config.server import ServerSettings, SettingsFault, load

F = TypeVar("F", bound=Callable[..., Any])

_DATA = click.option("--data", type=click.Path(path_type=Path), help="Folder of the database.")
_URL = click.option("--database-url", help="The database, when it is not in the data folder.")
_CONFIG = click.option(
    "--config",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="File of NAME=value lines; the environment wins over it.",
)


def database_options(command: F) -> F:
    """Give a command ``--data``, ``--database-url`` and ``--config``: what ``settings_of`` takes."""
    return _DATA(_URL(_CONFIG(command)))


def settings_of(given: dict[str, Any]) -> ServerSettings:
    """Read the settings; options become the environment, which wins over the file.

    Leaves with 2 and what is wrong with them when they are not usable.
    """
    config = given.pop("config", None)
    if config is not None:
        os.environ["CLAWTRAIL_CONFIG"] = str(config)
    for name, value in given.items():
        if value is not None:
            os.environ[f"CLAWTRAIL_{name.upper()}"] = str(value)
    try:
        return load()
    except SettingsFault as fault:
        leave(f"The settings are not usable:\n{fault}")
