"""Printing for people and for programs: tables with rich on a terminal, tabs elsewhere, JSON when asked."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain, islice

import click

from clawtrail.terminal import one_line

_COLOURS = {
    "completed": "green",
    "failed": "red",
    "unknown": "red",
    "denied": "red",
    "cancelled": "yellow",
    "expired": "yellow",
    "running": "cyan",
    "claimed": "cyan",
}
_TABLE_AT_ONCE = 1000


def print_json(content: object) -> None:
    """Print *content* as one line of JSON in ASCII, which is harmless wherever it goes."""
    if isinstance(content, Mapping):
        content = dict(content)
    click.echo(json.dumps(content, separators=(",", ":")))


def print_rows(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table on a terminal; elsewhere a line for each row, tabs between its cells, without titles."""
    if sys.stdout.isatty():
        _print_table(titles, rows)
        return
    for row in rows:
        click.echo("\t".join(map(one_line, row)))


def print_pairs(pairs: Iterable[tuple[str, str | None]]) -> None:
    """Print names with their values below each other; pairs without a value are left out."""
    shown = [(name, value) for name, value in pairs if value]
    width = max((len(name) for name, _ in shown), default=0)
    for name, value in shown:
        click.echo(f"{name:<{width}}  {one_line(value)}")


def instant(at: int | None) -> str:
    """Return epoch milliseconds as local time with its offset, in ISO 8601; empty for None."""
    if at is None:
        return ""
    try:
        return datetime.fromtimestamp(at / 1000).astimezone().isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return str(at)


def duration(ms: int | None) -> str:
    """Return milliseconds as people say them: 80ms, 4.2s, 3m07s, 2h05m; empty for None."""
    if ms is None:
        return ""
    if ms < 1000:
        return f"{ms}ms"
    if ms < 60_000:
        return f"{ms / 1000:.1f}s"
    minutes, seconds = divmod(ms // 1000, 60)
    if minutes < 60:
        return f"{minutes}m{seconds:02}s"
    return f"{minutes // 60}h{minutes % 60:02}m"


def compact(value: object) -> str:
    """Return a JSON value as a person reads it in a line."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(", ", ": "))


def _print_table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    from rich import box  # noqa: PLC0415 - rich costs more time to load than a short task to run
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = Console()
    remaining = iter(rows)
    # One table knows its widths only when all rows are there, so an endless list comes in several.
    while head := list(islice(remaining, 1)):
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for title in titles:
            last = title == titles[-1]
            table.add_column(title, no_wrap=True, overflow="ellipsis", ratio=1 if last else None)
        for row in chain(head, islice(remaining, _TABLE_AT_ONCE - 1)):
            table.add_row(*(Text(one_line(cell), style=_COLOURS.get(cell, "")) for cell in row))
        console.print(table)
