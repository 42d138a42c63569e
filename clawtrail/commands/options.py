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


class Duration(click.ParamType[float]):
    """A length of time with its unit, such as 500ms, 30s, 5m, 2h or 1d; given on in seconds."""

    name = "duration"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:  # noqa: ARG002 - click's signature
        """Return what help calls it."""
        return "DURATION"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds that *value* says; refuses a number without a unit."""
        if isinstance(value, int | float):
            return value
        match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", value.strip())
        if match is None:
            self.fail(
                f"{value!r} is no duration: write it with its unit, such as 500ms, 30s, 5m or 2h.", param, ctx
            )
        return float(match[1]) * _UNITS[match[2]]


class Moment(click.ParamType[int]):
    """An instant: a date or time in ISO 8601 (local unless it says otherwise), or how long ago; epoch ms."""

    name = "moment"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:  # noqa: ARG002 - click's signature
        """Return what help calls it."""
        return "WHEN"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the epoch milliseconds that *value* says."""
        if isinstance(value, int):
            return value
        try:
            return int(datetime.fromisoformat(value).astimezone().timestamp() * 1000)
        except (ValueError, OverflowError):
            pass
        try:
            return int((time.time() - Duration().convert(value, param, ctx)) * 1000)
        except click.BadParameter:
            self.fail(f"{value!r} is no moment: write 2h (ago), 2026-11-23 or 2026-11-23T12:30.", param, ctx)


class Pair(click.ParamType[tuple[str, str]]):
    """NAME=VALUE."""

    name = "pair"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:  # noqa: ARG002 - click's signature
        """Return what help calls it."""
        return "NAME=VALUE"

    def convert(
        self, value: str | tuple[str, str], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Return the name and the value; refuses text without a ``=`` and an empty name."""
        if isinstance(value, tuple):
            return value
        name, equals, rest = value.partition("=")
        if not equals or not name:
            self.fail(f"{value!r} is no NAME=VALUE.", param, ctx)
        return name, rest
