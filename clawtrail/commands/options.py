"""What several commands share of their command lines: the connection, durations, moments, ``--json``."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import TypeVar

import click

from clawtrail.client import Client

R = TypeVar("R")

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


def connected(function: Callable[..., R]) -> Callable[..., R]:
    """Give a command the options of the connection, and as its first argument a client made from them."""

    @click.option("--url", metavar="URL", help="The server.  [default: $CLAWTRAIL_URL]")
    @click.option("--token-file", type=click.Path(path_type=Path), help="A file that holds the token.")
    @click.option("--config", type=click.Path(path_type=Path), help="Another client.toml.")
    @click.option("--insecure-http", is_flag=True, default=None, help="Send the token over plain http too.")
    @wraps(function)
    def with_client(
        *,
        url: str | None,
        token_file: Path | None,
        config: Path | None,
        insecure_http: bool | None,
        **given: object,
    ) -> R:
        with Client(url, token_file=token_file, config=config, insecure_http=insecure_http) as client:
            return function(client, **given)

    return with_client


def duration(value: str) -> float:
    """Return the seconds of a length of time with its unit, such as 500ms, 30s, 5m, 2h or 1d.

    Raises ``click.BadParameter`` for anything else, a bare number too: it could be seconds or milliseconds.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", value.strip())
    if match is None:
        raise click.BadParameter(
            f"{value!r} is no duration: write it with its unit, such as 500ms, 30s, 5m or 2h."
        )
    return float(match[1]) * _UNITS[match[2]]


def moment(value: str) -> int:
    """Return the epoch ms of a date or time in ISO 8601 (local unless it says otherwise), or of so long ago.

    Raises ``click.BadParameter`` for anything else.
    """
    try:
        return int(datetime.fromisoformat(value).astimezone().timestamp() * 1000)
    except (ValueError, OverflowError):
        pass
    try:
        return int((time.time() - duration(value)) * 1000)
    except click.BadParameter:
        raise click.BadParameter(
            f"{value!r} is no moment: write 2h (ago), 2026-11-23 or 2026-11-23T12:30."
        ) from None


def pair(value: str) -> tuple[str, str]:
    """Return name and value of ``NAME=VALUE``; raises ``click.BadParameter`` without a name or a ``=``."""
    name, equals, rest = value.partition("=")
    if not equals or not name:
        raise click.BadParameter(f"{value!r} is no NAME=VALUE.")
    return name, rest
