"""What several commands share of their command lines: the connection, signing, pairs, ``--json``."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TypedDict, TypeVar

import click

from clawtrail.client import Client
from clawtrail.profile import find_profile

R = TypeVar("R")

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


class Connection(TypedDict):
    """Where the server is and with which token to go there, as far as a command line says it."""

    url: str | None
    token_file: Path | None
    config: Path | None
    insecure_http: bool | None


def connected(function: Callable[..., R]) -> Callable[..., R]:
    """Give a command the options of the connection, and as its first argument a client made from them."""

    @connection
    @wraps(function)
    def with_client(where: Connection, **given: object) -> R:
        with Client(**where) as client:
            return function(client, **given)

    return with_client


def submitting(function: Callable[..., R]) -> Callable[..., R]:
    """Give a command what ``connected`` gives, and the options of signing what it submits."""

    @click.option("--sign", is_flag=True, help="Sign it, with your only key where none is set.")
    @click.option("--key", metavar="KEY", help="Sign it with this key: its name, or its file.")
    @click.option(
        "--audience", multiple=True, metavar="WORKER", help="Signed, it is for this worker; may be repeated."
    )
    @connection
    @wraps(function)
    def with_client(
        where: Connection, *, sign: bool, key: str | None, audience: tuple[str, ...], **given: object
    ) -> R:
        if sign and key is None and find_profile(**where).signing_key is None:
            from clawtrail import keys  # noqa: PLC0415 - cryptography takes long to load, and few need it

            key = keys.only()
        with Client(**where, signing_key=key, signing_audience=audience or None) as client:
            return function(client, **given)

    return with_client


def connection(function: Callable[..., R]) -> Callable[..., R]:
    """Give a command the options of the connection, and what they say as its first argument."""

    @click.option("--url", metavar="URL", help="The server.  [default: $CLAWTRAIL_URL]")
    @click.option("--token-file", type=click.Path(path_type=Path), help="A file that holds the token.")
    @click.option("--config", type=click.Path(path_type=Path), help="Another client.toml.")
    @click.option("--insecure-http", is_flag=True, default=None, help="Send the token over plain http too.")
    @wraps(function)
    def with_connection(
        *,
        url: str | None,
        token_file: Path | None,
        config: Path | None,
        insecure_http: bool | None,
        **given: object,
    ) -> R:
        said = Connection(url=url, token_file=token_file, config=config, insecure_http=insecure_http)
        return function(said, **given)

    return with_connection


def pair(value: str) -> tuple[str, str]:
    """Return name and value of ``NAME=VALUE``; raises ``click.BadParameter`` without a name or a ``=``."""
    name, equals, rest = value.partition("=")
    if not equals or not name:
        raise click.BadParameter(f"{value!r} is no NAME=VALUE.")
    return name, rest
