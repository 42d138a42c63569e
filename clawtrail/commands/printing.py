"""Printing for people and for programs: tables with rich on a terminal, tabs elsewhere, JSON when asked."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import click

from clawtrail.terminal import one_line

if TYPE_CHECKING:
    from rich.text import Text

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


def print_json(content: object) -> None:
    """Print *content* as one line of JSON in ASCII, which is harmless wherever it goes."""
    if isinstance(content, Mapping):
        content = dict(content)
    click.echo(json.dumps(content, separators=(",", ":")))


def on_terminal() -> bool:
    """True when what is printed goes to a person's screen."""
    return sys.stdout.isatty()


def print_tabs(rows: Iterable[Sequence[str]]) -> None:
    """Print a line for each row, its cells between tabs: the form for pipes and files."""
    for row in rows:
        click.echo("\t".join(map(one_line, row)))


def print_table(titles: Sequence[str], rows: Iterable[Sequence[str]], *, narrow: int = 1) -> None:
    """Print a table: the form for terminals. Where it is too wide, the last *narrow* columns are cut."""
    from rich.console import Console  # noqa: PLC0415 - rich costs more time to load than a short task to run
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for number, title in enumerate(titles):
        # Columns that may wrap are made narrower first; the cells themselves say that they never do wrap.
        table.add_column(title, no_wrap=number < len(titles) - narrow)
    for row in rows:
        cells = (Text(one_line(cell), style=_COLOURS.get(cell, "")) for cell in row)
        table.add_row(*map(_cut_not_wrapped, cells))
    Console().print(table)


def _cut_not_wrapped(cell: Text) -> Text:
    cell.no_wrap, cell.overflow = True, "ellipsis"
    return cell


def print_pairs(pairs: Iterable[tuple[str, str | None]]) -> None:
    """Print names with their values below each other; pairs without a value are left out."""
    shown = [(one_line(name), value) for name, value in pairs if value]
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


def moment(at: int | None) -> str:
    """Return epoch milliseconds as they stand in a table: the time of today, or the day before."""
    whole, now = instant(at), instant(int(time.time() * 1000))
    if whole[:10] == now[:10]:
        return whole[11:19]
    return whole[5:16].replace("T", " ") if whole[:4] == now[:4] else whole[:10]


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
