"""`python -m benchmarks.masking`: which tokens are found, what is masked in vain, and what it costs."""

import argparse
import random
import sysconfig
import time
import uuid
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from queue import SimpleQueue

from benchmarks.planting.running import values
from benchmarks.processes import ROOT
from benchmarks.real_looking import is_hidden, made, sections
from worker.masking.streams import SHAPES_ALONE, MaskedStream, Masking
from worker.output import CHUNK, Capture

NO_SHAPE = "no shape of its own"


def main() -> None:
    """Print recall for each maker, what is masked in vain, and megabytes a second of processor time."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.masking", description=__doc__)
    parser.add_argument("--each", type=int, default=20, help="tokens of each recipe (20)")
    given = parser.parse_args()
    _recall(given.each)
    _in_vain()
    _speed()


def _recall(each: int) -> None:
    makers = sections()
    around = makers.pop("surroundings")
    del makers["harmless"]
    rnd = random.Random(20260101)
    print(f"tokens, {each} of each recipe                masked whole")
    shares: list[float] = []
    for maker, recipes in makers.items():
        found = {recipe: recall(recipe, around, each, rnd) for recipe in recipes}
        missed = "; ".join(f"{share:.0%} of {recipe!r:.48}" for recipe, share in found.items() if share < 1)
        print(f"  {maker:<36} {sum(found.values()) / len(found):6.1%}   {missed}")
        shares += found.values() if maker != NO_SHAPE else ()
    print(f"  {'all that have a shape':<36} {sum(shares) / len(shares):6.1%}")


def recall(recipe: str, around: list[str], each: int, rnd: random.Random) -> float:
    """Give the share of *each* tokens of *recipe* of which nothing secret is left to see."""
    found = 0
    for number in range(each):
        token, part = made(recipe, rnd)
        found += is_hidden(part, SHAPES_ALONE.text(around[number % len(around)].replace("@@", token)))
    return found / each


def _in_vain() -> None:
    print("masked in vain")
    harmless = sections()["harmless"]
    taken = [one for one in harmless if SHAPES_ALONE.text(one) != one]
    print(f"  placeholders and the like  {len(taken)} of {len(harmless)}: {taken}")
    lines = list(_ordinary())
    taken = [one for one in lines if SHAPES_ALONE.text(one) != one]
    print(f"  digests, ids, paths        {len(taken)} of {len(lines)} lines: {taken[:5]}")
    size = count = 0
    for file in Path(sysconfig.get_path("stdlib")).rglob("*.py"):
        if "site-packages" not in file.parts:
            data = file.read_bytes()
            size, count = size + len(data), count + SHAPES_ALONE.show(data).tokens
    print(
        f"  Python's own library       {count} in {size / 1e6:.1f} MB (among them keys and URLs of its tests)"
    )


def _ordinary() -> Iterator[str]:
    rnd = random.Random(7)
    for number in range(500):
        data = rnd.randbytes(64)
        digest = sha256(data).hexdigest()
        yield f"{digest}  ./dist/app-{number}.tar.gz"
        yield f"commit {digest[:40]}"
        yield f"{uuid.UUID(bytes=data[:16])} 2026-01-02T03:04:05Z GET /api/v1/items/{number}?page=2 200 7ms"
        yield f"image@sha256:{digest} task-{digest[:12]} risk-assessment_{number}_final-version"
        yield f"/usr/lib/python3/dist-packages/package_{number}/module_with_a_long_name.py:{number}: warning"


def _speed() -> None:
    data = b"".join(
        file.read_bytes() for file in sorted(ROOT.glob("docs/*.md")) + sorted(ROOT.glob("worker/*.py"))
    )
    data = (data * (8_000_000 // len(data) + 1))[:8_000_000]
    chunks = [data[at : at + CHUNK] for at in range(0, len(data), CHUNK)]
    fifty = Masking(values(50, 1).values())
    ways: dict[str, Callable[[], object]] = {
        "taken in as it is": lambda: _captured(chunks, None),
        "shapes alone": lambda: _captured(chunks, SHAPES_ALONE),
        "shapes and 50 secrets": lambda: _captured(chunks, fifty),
    }
    best = dict.fromkeys(ways, 0.0)
    for _ in range(5):  # in turns, so that a busy machine is busy for all of them
        for name, way in ways.items():
            began = time.process_time()
            way()
            best[name] = max(best[name], len(data) / 1e6 / (time.process_time() - began))
    print(
        "plain text through the worker's intake (chunks of 64 KiB, made into items), MB a second of processor"
    )
    for name, speed in best.items():
        print(f"  {name:<24} {speed:6.0f}")


class _Open(MaskedStream):
    def feed(self, data: bytes, *, last: bool = False) -> bytes:  # noqa: ARG002 - it is what is replaced
        return data


class _Nothing(Masking):
    def stream(self) -> MaskedStream:
        return _Open(None)


def _captured(chunks: list[bytes], masking: Masking | None) -> None:
    used = masking or _Nothing()
    capture = Capture("lease", SimpleQueue(), lambda: used)
    for chunk in chunks:
        capture.add("stdout", chunk)
    capture.finish()


if __name__ == "__main__":
    main()
