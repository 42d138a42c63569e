"""Policies for the workers of tests: most tests are not about what may run."""

from pathlib import Path

from worker.answers import Claim
from worker.policy.presets import ALLOW_ALL
from worker.verdicts import Verdict


def allow_all(folder: Path) -> Path:
    """Write a policy that allows everything into *folder* and give its file."""
    folder.mkdir(parents=True, exist_ok=True)
    return write(folder / "allow-all.toml", ALLOW_ALL)


def write(file: Path, text: str) -> Path:
    """Write *text* as a policy that only its owner can change, whole or not at all, and give its file."""
    beside = file.with_suffix(".new")
    beside.write_text(text)
    beside.chmod(0o600)
    return beside.replace(file)


def anything(_claim: Claim) -> Verdict:
    """Allow any task, for tests of what comes after the verdict."""
    return Verdict("allow", "anything", "0" * 64, "0" * 64)
