"""``clawtrail up`` as a process whose words are read as they come."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil
import requests

from tests.support.processes import REPOSITORY, clean_environ


class Up:
    """One ``clawtrail up``; a thread collects its output, ``_lines`` is guarded by ``_changed``."""

    def __init__(
        self, data: Path, port: int, *arguments: str, environ: Mapping[str, str] | None = None
    ) -> None:
        """Start it on *data* at *port*."""
        self._url = f"http://127.0.0.1:{port}"
        self._changed = threading.Condition()
        self._lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "clawtrail", "up", "--data", str(data), "--port", str(port), *arguments],
            cwd=REPOSITORY,
            env=clean_environ() | dict(environ or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._collect, daemon=True)
        self._reader.start()

    @property
    def said(self) -> str:
        """Everything that it has printed so far."""
        with self._changed:
            return "".join(self._lines)

    def lines_with(self, text: str) -> list[str]:
        """The printed lines that hold *text*, without their indentation."""
        return [line.strip() for line in self.said.splitlines() if text in line]

    def until(self, text: str, *, within: float = 40.0) -> None:
        """Wait until *text* was printed; raises with everything printed when that takes too long."""
        with self._changed:
            if not self._changed.wait_for(lambda: text in "".join(self._lines), within):
                raise AssertionError(
                    f"{text!r} was not said within {within:g} s, but:\n{''.join(self._lines)}"
                )

    def answers(self) -> bool:
        """Say whether its server answers at this moment."""
        try:
            return requests.get(f"{self._url}/health", timeout=2).ok
        except requests.RequestException:
            return False

    def child(self, name: str) -> psutil.Process:
        """The running server or worker that it started, by the *name* of its subcommand."""
        children = psutil.Process(self.process.pid).children()
        return next(child for child in children if name in child.cmdline())

    def children(self) -> list[psutil.Process]:
        """All processes that it has started and their own."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.process.pid, number)

    def wait(self, *, within: float = 40.0) -> int:
        """Return its exit status; raises with everything printed when it does not end in time."""
        try:
            code = self.process.wait(within)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"`clawtrail up` goes on, after saying:\n{self.said}") from None
        self._reader.join(5)
        return code

    def _collect(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            for line in output:
                with self._changed:
                    self._lines.append(line)
                    self._changed.notify_all()


@contextmanager
def start_up(
    data: Path, port: int, *arguments: str, environ: Mapping[str, str] | None = None
) -> Iterator[Up]:
    """Run ``clawtrail up`` and yield it at once; ends it, its server and its worker afterwards."""
    up = Up(data, port, *arguments, environ=environ)
    try:
        yield up
    finally:
        if up.process.poll() is None:
            up.send(signal.SIGTERM)
            up.wait()
