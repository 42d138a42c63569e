"""`python -m benchmarks.planting`: plant secrets by real tasks, and search every byte for them."""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.planting.running import run
from benchmarks.processes import leave_on_sigterm


def main() -> int:
    """Run a campaign; return 0 when no secret was found anywhere, else 1."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.planting", description=__doc__)
    parser.add_argument("--secrets", type=int, default=50, metavar="N", help="how many secrets (50)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="decides their characters (1)")
    given = parser.parse_args()
    leave_on_sigterm()
    with tempfile.TemporaryDirectory(prefix="clawtrail-planting-") as folder:
        report = run(Path(folder) / "stage", secrets=given.secrets, seed=given.seed)
    print(f"secrets         {report.secrets}, each in {report.forms} forms and in pieces")
    print(f"masked          {report.masked}")
    print(f"bytes searched  {report.bytes_searched:,}, in {', '.join(report.places)}")
    for fault in report.faults[:50]:
        print(fault)
    print("none found" if not report.faults else f"{len(report.faults)} faults")
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
