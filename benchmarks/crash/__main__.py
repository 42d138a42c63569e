"""`python -m benchmarks.crash --kills N --seed S`: kill, restart, and prove that nothing was lost."""

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn
from rich.table import Table

from benchmarks.crash.running import Report, run
from benchmarks.processes import leave_on_sigterm


def main() -> int:
    """Run the crash test; return 0 when nothing was lost, run twice or recorded wrongly, else 1."""
    given = _arguments()
    leave_on_sigterm()
    with tempfile.TemporaryDirectory(prefix="clawtrail-crash-") as kept:
        folder = given.data or Path(kept) / "data"
        progress = Progress(
            "kills", BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=Console(stderr=True)
        )
        with progress:
            bar = progress.add_task("kills", total=given.kills)
            report = run(folder, kills=given.kills, seed=given.seed, done=lambda: progress.advance(bar))
    _show(report)
    if given.json:
        given.json.write_text(json.dumps(asdict(report), indent=1) + "\n")
    return 1 if report.faults else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=100, metavar="N", help="how often to kill (100)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="decides whom and when (1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report there")
    parser.add_argument("--data", type=Path, metavar="DIR", help="a new folder, kept (a temporary one)")
    return parser.parse_args()


def _show(report: Report) -> None:
    table = Table("what", "how many")
    for name, value in asdict(report).items():
        table.add_row(name.replace("_", " "), _shown(value))
    console = Console(highlight=False)
    console.print(table)
    for fault in report.faults[:50]:
        console.print(fault, markup=False)
    console.print("nothing lost" if not report.faults else f"{len(report.faults)} faults")


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {number}" for key, number in sorted(value.items()))
    if isinstance(value, list):
        return str(len(value))
    return f"{value:.1f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main())
