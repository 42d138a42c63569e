"""What several commands share of their command lines: the connection, pairs, ``--json``."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TypeVar

import click

from clawtrail.client import Client

R = TypeVar("R")

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


def pair(value: str) -> tuple[str, str]:
    """Return name and value of ``NAME=VALUE``; raises ``click.BadParameter`` without a name or a ``=``."""
    name, equals, rest = value.partition("=")
    if not equals or not name:
        raise click.BadParameter(f"{value!r} is no NAME=VALUE.")
    return name, rest
