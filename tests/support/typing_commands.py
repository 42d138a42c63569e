"""Typing the server's commands beside a data folder, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.support.processes import REPOSITORY, clean_environ


@dataclass(frozen=True)
class Typed:
    """What a command left: its exit status and what it wrote."""

    status: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        """Its standard output as text."""
        return self.out.decode()


def start(data: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start `clawtrail ARGUMENTS` for the data folder *data*."""
    return subprocess.Popen(
        [sys.executable, "-m", "clawtrail", *arguments],
        env=clean_environ() | {"CLAWTRAIL_DATA": str(data)},
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def type_(data: Path, *arguments: str, within: float = 60) -> Typed:
    """Run `clawtrail ARGUMENTS` for the data folder *data* to its end, which must come *within* so many s."""
    with start(data, *arguments) as process:
        try:
            out, err = process.communicate(timeout=within)
        finally:
            process.kill()
    return Typed(process.returncode, out, err.decode())
