"""How people write lengths of time and instants on a command line."""

from __future__ import annotations

import re
import time
from datetime import datetime

import click

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


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
