"""`python -m benchmarks`: measure the service, print a table of ratios and write JSON."""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks import (
    auditing,
    claims,
    disk_use,
    latency,
    long_past,
    parked,
    reporting,
    slow_disk,
    submits,
    throughput,
    tree,
)
from benchmarks.figures import Figure
from benchmarks.processes import ROOT, leave_on_sigterm
from benchmarks.setting import Setting

MEASUREMENTS: dict[str, Callable[[Setting], list[Figure]]] = {
    "latency": latency.measure,
    "throughput": throughput.measure,
    "submits": submits.measure,
    "parked": parked.measure,
    "claims": claims.measure,
    "slow-disk": slow_disk.measure,
    "disk-use": disk_use.measure,
    "tree": tree.measure,
    "auditing": auditing.measure,
    "long-past": long_past.measure,
}


def main() -> int:
    """Run the measurements asked for, one after the other; return 0 when all could be made."""
    given = _arguments()
    leave_on_sigterm()
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="clawtrail-bench-") as folder:
        setting = Setting(Path(folder), quick=given.quick, peers=given.peers)
        for name in given.only or MEASUREMENTS:
            print(name, file=sys.stderr, flush=True)
            figures += MEASUREMENTS[name](setting)
    reporting.show(figures)
    reporting.save(figures, given.json)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only", action="append", choices=MEASUREMENTS, help="one measurement; may be repeated"
    )
    parser.add_argument(
        "--peers", action="store_true", help="also celery, huey and rq (benchmarks/install_peers.sh)"
    )
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that everything works")
    parser.add_argument("--json", type=Path, default=ROOT / "benchmarks/results/latest.json", metavar="FILE")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
