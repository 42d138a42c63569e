"""`python -m benchmarks.rogue_server`: a server that was taken over, and a worker that wants signatures.

Every forged claim would leave a line in a file if it ran. Good claims between them must run, once.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.processes import Running, leave_on_sigterm
from benchmarks.rogue import claims, envelopes
from benchmarks.rogue.forging import HOUR, WORKER, Cast, Claim, Forger
from benchmarks.rogue.server import TOKEN, RogueServer
from clawtrail.formats import trusted_keys
from clawtrail.formats.trusted_keys import TrustedKey, TrustedKeys
from worker.signatures import timekeeping

FORGERIES = (*claims.FORGERIES, *envelopes.FORGERIES)
_AT_ONCE = 400
_WITHIN_S = 120.0
_SLOTS = 8


class Campaign:
    """One worker's state folder, its clock, and what was tried on it."""

    def __init__(self, folder: Path, seed: int, server: RogueServer) -> None:
        self._folder = folder
        self._server = server
        self._offset = folder / "clock"
        self._ahead = 0
        self.chance = random.Random(seed)
        self.cast = Cast.of(self.chance)
        self.forger = Forger(self.chance, self.cast, lambda: timekeeping.wall() + self._ahead)
        self.good: list[tuple[Path, Claim]] = []
        self._fresh: list[Claim] = []
        self.tried: Counter[str] = Counter()
        self.ran: Counter[str] = Counter()
        self.set_clock(0)
        _write(folder / "policy.toml", 'default = "allow"\nseat_belt = false\n[shell]\nverdict = "allow"\n')
        _write(folder / "trusted.json", trusted_keys.spell(_trusted(self.cast)))

    def set_clock(self, ahead_ms: int) -> None:
        """Set the worker's wall clock: so far ahead of this machine's."""
        self._ahead = ahead_ms
        _write(self._offset, str(ahead_ms))

    @contextmanager
    def worker(self) -> Iterator[None]:
        """Run the worker; the next one goes on with the same state."""
        env = {
            "HOME": str(self._folder),
            "CLAWTRAIL_WORKER_URL": self._server.url,
            "CLAWTRAIL_WORKER_TOKEN": TOKEN,
            "CLAWTRAIL_WORKER_STATE": str(self._folder / "state"),
            "CLAWTRAIL_WORKER_NAME": WORKER,
            "CLAWTRAIL_WORKER_PATH": "/usr/bin:/bin",
            "CLAWTRAIL_WORKER_POLICY": str(self._folder / "policy.toml"),
            "CLAWTRAIL_WORKER_TRUSTED_KEYS": str(self._folder / "trusted.json"),
            "CLAWTRAIL_WORKER_REQUIRE_SIGNATURE": "true",
            "CLAWTRAIL_WORKER_MAX_CONCURRENT": str(_SLOTS),
        }
        command = [sys.executable, "-m", "benchmarks.rogue.clocked_worker", str(self._offset)]
        with Running(command, log=self._folder / "worker.log", env=env):
            yield

    def control(self, count: int) -> None:
        """Send good claims: each has to run."""
        good = [(file, self.forger.claim(file)) for file in (self._file("good") for _ in range(count))]
        for result in self._server.run([claim for _, claim in good], within=_WITHIN_S):
            if result["exitCode"] != 0:
                raise AssertionError(f"a good claim did not run: {result['error']}")
        self.good += good
        self._fresh = [claim for _, claim in good]

    def forge(self, count: int) -> None:
        """Send forged claims, of every kind in turn."""
        for first in range(0, count, _AT_ONCE):
            some = [FORGERIES[n % len(FORGERIES)] for n in range(first, min(first + _AT_ONCE, count))]
            self.attack([(name, forge(self.forger, self._file(name))) for name, forge in some])

    def replay(self, name: str, count: int) -> None:
        """Send good claims again that have run, and have not expired since."""
        for first in range(0, count, _AT_ONCE):
            some = [self.chance.choice(self._fresh) for _ in range(min(_AT_ONCE, count - first))]
            self.attack([(name, claim) for claim in some], why="run before")

    def attack(self, some: list[tuple[str, Claim]], *, why: str = "Refused: ") -> None:
        """Send claims that must not run, and look whether the worker refuses each in words with *why*."""
        results = self._server.run([claim for _, claim in some], within=_WITHIN_S)
        for (name, _), result in zip(some, results, strict=True):
            self.tried[name] += 1
            if not _is_refusal(result) or why not in result["error"]:
                self.ran[name] += 1

    def held_back(self, count: int) -> list[Claim]:
        """Return claims that are good now, and are kept until they are not."""
        return [self.forger.claim(self._file("held back")) for _ in range(count)]

    def judge(self) -> None:
        """Count what left a line in a file without leave, or more than one."""
        once = {file for file, _ in self.good}
        for file in (self._folder / "files").iterdir():
            if file not in once:
                self.ran[f"{file.name} (by its file)"] += 1
            elif file.read_text() != "ran\n":
                self.ran["a good claim ran again (by its file)"] += 1
        for file in once:
            if not file.exists():
                raise AssertionError("a good claim left nothing")

    def _file(self, name: str) -> Path:
        (self._folder / "files").mkdir(exist_ok=True)
        word = name.replace(" ", "-").replace("'", "").replace(",", "")
        return self._folder / "files" / f"{word}-{self.chance.randbytes(6).hex()}"


def run(count: int, seed: int, folder: Path) -> Campaign:
    """Make at least *count* attempts against one worker, with a restart and a clock set back."""
    with RogueServer() as server:
        campaign = Campaign(folder, seed, server)
        share = max(1, count // 40)
        with campaign.worker():
            campaign.control(max(4, share // 4))
            campaign.forge(count - 6 * share)
            campaign.replay("replayed", share)
            held = campaign.held_back(share)
            campaign.set_clock(3 * HOUR)
            campaign.control(4)
            campaign.set_clock(0)
            campaign.attack([("expired, clock set back", claim) for claim in held], why="has expired")
            campaign.replay("replayed, clock set back", share)
        with campaign.worker():
            name = "expired, clock set back, after a restart"
            campaign.attack([(name, claim) for claim in held], why="has expired")
            campaign.replay("replayed, clock set back, after a restart", share)
        campaign.set_clock(3 * HOUR)
        with campaign.worker():
            campaign.replay("replayed after a restart", share)
            campaign.control(4)
        campaign.judge()
    return campaign


def main() -> int:
    """Try as often as asked for and print a table; return 1 when anything ran that should not have."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rogue_server", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    leave_on_sigterm()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="clawtrail-rogue-") as folder:
        campaign = run(given.count, given.seed, Path(folder))
    took = time.monotonic() - began
    for name, number in sorted(campaign.tried.items()):
        print(f"{number:6}  {name}")
    tried, ran = campaign.tried.total(), campaign.ran.total()
    print(f"{tried} attempts with seed {given.seed} in {took:.0f} s, of which {ran} ran")
    print(f"{len(campaign.good)} good tasks between them ran, each once")
    for name, number in campaign.ran.items():
        print(f"RAN {number}: {name}", file=sys.stderr)
    return 1 if ran or tried < given.count else 0


def _is_refusal(result: dict[str, Any]) -> bool:
    said = (result["exitCode"], result["reason"], (result["metadata"] or {}).get("rule"))
    return said == (126, "policy", "signature") and str(result["error"]).startswith("Refused: ")


def _trusted(cast: Cast) -> TrustedKeys:
    now = timekeeping.wall()
    return TrustedKeys(
        (
            TrustedKey("ada", cast.ada.verifier, "task", now),
            TrustedKey("ann", cast.ann.verifier, "approval", now),
            TrustedKey("ben", cast.ben.verifier, "task", now, kinds=("file-read",)),
            TrustedKey("rex", cast.rex.verifier, "task", now, revoked_at=now),
        )
    )


def _write(file: Path, text: str) -> None:
    """Put *text* in place of the file at once: the worker reads it at any moment."""
    beside = file.with_suffix(".new")
    beside.write_text(text)
    beside.chmod(0o600)
    beside.replace(file)


if __name__ == "__main__":
    sys.exit(main())
