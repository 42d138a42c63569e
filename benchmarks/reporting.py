"""Showing figures as a table, and keeping them as JSON."""

import json
import os
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.figures import Figure


def show(figures: Sequence[Figure]) -> None:
    """Print the table: what, ours, reference, ratio, to reach, reached; then the notes and which Python."""
    table = Table("what", "ours", "reference", "ratio", "to reach", "reached?")
    for figure in figures:
        reference = "" if figure.reference is None else _amount(figure.reference, figure.unit)
        ratio = "" if figure.ratio is None else f"{figure.ratio:.2f} x"
        verdict = {True: "yes", False: "NO", None: ""}[figure.reached]
        what = f"{figure.what} (against {figure.reference_name})" if figure.reference_name else figure.what
        table.add_row(what, _amount(figure.ours, figure.unit), reference, ratio, _to_reach(figure), verdict)
    console = Console(width=None if os.isatty(1) else 140, highlight=False)
    console.print(table)
    for figure in figures:
        if figure.note:
            console.print(f"{figure.what}: {figure.note}", markup=False)
    console.print(f"Python {platform.python_version()} of {sys.base_prefix}", markup=False)


def save(figures: Sequence[Figure], path: Path) -> None:
    """Write every figure with the runs behind it, the machine and the time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    found = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "cpus": os.cpu_count(),
            "system": platform.platform(),
            "python": platform.python_version(),
            "python_of": sys.base_prefix,
        },
        "figures": [figure.to_json() for figure in figures],
    }
    path.write_text(json.dumps(found, indent=1) + "\n")


def _to_reach(figure: Figure) -> str:
    if figure.limit is None:
        return ""
    bound = "at least" if figure.at_least else "at most"
    return (
        f"{bound} {_amount(figure.limit, figure.unit)}" if figure.absolute else f"{bound} {figure.limit:g} x"
    )


def _amount(value: float, unit: str) -> str:
    digits = 2 if abs(value) < 100 else 0
    return f"{value:,.{digits}f} {unit}"
