"""What one decision of the careful policy costs, digest included: ``python -m benchmarks.deciding``."""

import os
import statistics
import tempfile
import time
from pathlib import Path

from config.worker import SHELL
from worker.answers import Claim
from worker.policy.guarding import Guard
from worker.sandboxing.sandboxes import Sandboxes

ROUNDS = 2000
_SEARCH_PATH = "/usr/local/bin:/usr/bin:/bin"


def main() -> None:
    """Print median and 99th percentile for four tasks."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HOME"] = folder
        project = Path(folder, "code", "project")
        project.mkdir(parents=True)
        env = {"PATH": _SEARCH_PATH, "HOME": folder}
        sandboxes = Sandboxes(env)
        sandboxes.probe()
        guard = Guard(Path(folder, "none.toml"), env=env, shell=SHELL, must_exist=False, sandboxes=sandboxes)
        tasks = {
            "date": ("command", {"argv": ["date"]}),
            "git log": ("command", {"argv": ["git", "log", "--oneline"], "cwd": str(project)}),
            "shell text": ("command", {"command": "ls | wc -l; echo $HOME", "cwd": str(project)}),
            "file-read": ("file-read", {"path": "~/Notes/today.md"}),
        }
        for name, (kind, payload) in tasks.items():
            claim = Claim.model_validate(
                {"taskId": "t", "attempt": 1, "lease": "l", "kind": kind, "payload": payload, "timeout": 1000}
            )
            took = _timed(guard, claim)
            print(
                f"{name:<12} median {statistics.median(took):6.3f} ms   p99 {took[-len(took) // 100]:6.3f} ms"
            )


def _timed(guard: Guard, claim: Claim) -> list[float]:
    guard(claim)
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        guard(claim)
        took.append((time.perf_counter() - began) * 1000)
    return sorted(took)


if __name__ == "__main__":
    main()
