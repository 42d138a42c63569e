"""`python -m benchmarks.mutations`: alter real databases in many ways and see who notices."""

import argparse
import random
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

from benchmarks.mutating.judging import BY_VERIFY, DEFECT, Bench
from benchmarks.mutating.past import live
from benchmarks.processes import leave_on_sigterm

PASTS = 4


def run(count: int, seed: int, folder: Path) -> Counter[tuple[str, str]]:
    """Make *count* alterations of several pasts; return how many ended how, by what was done or why not."""
    found: Counter[tuple[str, str]] = Counter()
    pasts = []
    for number in range(min(PASTS, 1 + count // 500)):
        (folder / str(number)).mkdir()
        pasts.append(live(folder / str(number), seed=seed + number))
    (folder / "other").mkdir()
    strange = live(folder / "other", seed=seed + 1000)
    with closing(sqlite3.connect(strange.database)) as other:
        benches = [Bench(past, other, folder / str(number)) for number, past in enumerate(pasts)]
        for number in range(count):
            chance = random.Random(f"{seed}-{number}")
            change, verdict, said = benches[number % len(benches)].alter(chance)
            told = f"{change.what}{f' in {change.table}' if change.table else ''}"
            found[verdict, told if verdict == BY_VERIFY else said] += 1
            if verdict == DEFECT:
                print(f"number {number}: {said}", file=sys.stderr)
    return found


def main() -> int:
    """Alter as often as asked for and print a table; return 1 when something went unnoticed for no reason."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutations", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    leave_on_sigterm()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="clawtrail-mutations-") as folder:
        found = run(given.count, given.seed, Path(folder))
    print(f"{given.count} alterations with seed {given.seed} in {time.monotonic() - began:.0f} s")
    for (verdict, what), number in sorted(found.items()):
        print(f"{number:6}  found {verdict}: {what}")
    return 1 if any(verdict == DEFECT for verdict, _what in found) else 0


if __name__ == "__main__":
    sys.exit(main())
