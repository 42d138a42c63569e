"""Typing commands beside a data folder, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.forking import Forked
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


def type_in(environ: Mapping[str, str], *arguments: str, within: float = 60) -> Typed:
    """Run `clawtrail ARGUMENTS` in *environ* to its end, which must come *within* so many seconds."""
    with TemporaryDirectory(prefix="typed-") as folder:
        out, err = Path(folder) / "out", Path(folder) / "err"
        process = Forked(arguments, environ=environ, out=out, err=err)
        try:
            status = process.wait(within)
        finally:
            process.kill()
        return Typed(status, out.read_bytes(), err.read_text())


def type_(data: Path, *arguments: str, within: float = 60) -> Typed:
    """Run `clawtrail ARGUMENTS` for the data folder *data* to its end, *within* so many seconds."""
    return type_in(clean_environ() | {"CLAWTRAIL_DATA": str(data)}, *arguments, within=within)


def clawtrail(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run `clawtrail ARGUMENTS` to its end, with *environ* added to a clean environment."""
    typed = type_in(clean_environ() | environ, *arguments)
    return subprocess.CompletedProcess(arguments, typed.status, typed.text, typed.err)


def start(data: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start `clawtrail ARGUMENTS` for the data folder *data*, with pipes for what it writes."""
    return subprocess.Popen(
        [sys.executable, "-m", "clawtrail", *arguments],
        env=clean_environ() | {"CLAWTRAIL_DATA": str(data)},
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
