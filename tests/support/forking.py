"""``clawtrail`` as a process that begins with everything loaded: forked, not started.

Loading is most of what a short life costs, and the suite has hundreds of them. Such a process is like any
other: it has a number, takes signals, can be killed, and leaves an exit status. What must begin from nothing
is started by ``subprocess``: with a library put before the others, ``clawtrail up``, all examples of the
documents, both programs of the crash test.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from multiprocessing import get_context
from multiprocessing.context import ForkServerContext
from pathlib import Path

from clawtrail import cli

_REPOSITORY = Path(__file__).parents[2]


class Forked:
    """One process that runs ``clawtrail ARGUMENTS``; has of ``subprocess.Popen`` what tests use."""

    def __init__(self, arguments: Sequence[str], *, environ: Mapping[str, str], out: Path, err: Path) -> None:
        """Start it, with what it writes added to the files *out* and *err*, which may be the same."""
        for file in (out, err):
            file.touch()
        given = (list(arguments), dict(environ), str(out), str(err))
        self._process = _forking().Process(target=_become, args=given, daemon=True)
        self._process.start()
        assert self._process.pid is not None
        self.pid: int = self._process.pid

    @property
    def returncode(self) -> int | None:
        """Its exit status, that of a signal negative; None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """Return its exit status, or None while it runs."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and return the exit status. Raises ``subprocess.TimeoutExpired``."""
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired("clawtrail", timeout or 0)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal; to one that has ended nothing is sent."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it as a power cut would."""
        self.send_signal(signal.SIGKILL)


@cache
def _forking() -> ForkServerContext:
    context = get_context("forkserver")
    context.set_forkserver_preload(["tests.support.preloaded"])
    return context


def _become(arguments: list[str], environ: dict[str, str], out: str, err: str) -> None:
    """Be in the new process what ``python -m clawtrail`` would be there."""
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(_REPOSITORY)
    for number, file in ((1, out), (2, err)):
        opened = os.open(file, os.O_WRONLY | os.O_APPEND)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - it stays open
    sys.stderr = open(2, "w", encoding="utf-8", buffering=1, closefd=False)  # noqa: SIM115
    sys.argv = ["clawtrail", *arguments]
    try:
        cli.main(arguments)
    finally:
        sys.stdout.flush()
        logging.shutdown()
