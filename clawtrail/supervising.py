"""Child processes that are kept up: started, watched, started again with growing pauses, stopped in order."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from clawtrail.errors import ClawtrailError
from clawtrail.terminal import one_line

# With this exit code our programs say: the settings are wrong, starting again mends nothing.
USAGE = 2
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
# Whoever stayed up this long has recovered: the pauses begin anew.
_HEALTHY = 60.0
# Longer than the programs take to end by themselves.
_PATIENCE = 60.0
_LARGE_LOG = 10 * 1024 * 1024


class ChildFailed(ClawtrailError):
    """A child ended, or does not get ready; the message has its last words, *status* is our exit status."""

    def __init__(self, sentence: str, *, status: int = 1) -> None:
        super().__init__(sentence)
        self.status = status


class Child:
    """One of our own programs as a process, with its log; for one thread.

    It gets a process group of its own, so that Ctrl-C reaches only us and we can stop the children in order.
    """

    def __init__(self, name: str, arguments: Sequence[str], log: Path) -> None:
        self.name = name
        self.log = log
        self._command, self._environment = program(arguments)
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._pause = _FIRST_PAUSE
        self._due: float | None = None

    def start(self) -> None:
        """Start it; a log of more than 10 MiB is put aside first."""
        with suppress(FileNotFoundError):
            if self.log.stat().st_size > _LARGE_LOG:
                self.log.replace(self.log.with_suffix(".old.log"))
        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self._process = subprocess.Popen(
                self._command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
            )
        finally:
            os.close(log)
        self._started = time.monotonic()
        self._due = None

    @property
    def exit_code(self) -> int | None:
        """The code that it ended with, negative for a signal; None while it runs or was never started."""
        return self._process.poll() if self._process else None

    def check(self) -> None:
        """Do nothing while it runs; raises ``ChildFailed`` when it has ended."""
        if self.exit_code is not None:
            status = USAGE if self.exit_code == USAGE else 1
            said = f"The {self.name} ended ({self._how()}): {self.last_words()} (log: {self.log})"
            raise ChildFailed(said, status=status)

    def keep_up(self, say: Callable[[str], None]) -> None:
        """Start it again when it has ended and its pause is over, and say so; never blocks.

        Raises ``ChildFailed`` when it found its settings wrong.
        """
        if self.exit_code is None:
            return
        now = time.monotonic()
        if self._due is None:
            if self.exit_code == USAGE:
                self.check()
            if now - self._started >= _HEALTHY:
                self._pause = _FIRST_PAUSE
            self._due = now + self._pause
            say(
                f"The {self.name} ended ({self._how()}), see {self.log}. Starting again in {self._pause:g} s."
            )
            self._pause = min(self._pause * 2, _LONGEST_PAUSE)
        elif now >= self._due:
            self.start()
            say(f"The {self.name} is started again.")

    def stop(self) -> None:
        """End it and wait for that: asked kindly, again at Ctrl-C, killed when it takes over a minute."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(_PATIENCE)
        except KeyboardInterrupt:
            # Our programs take a second signal for "at once".
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
        except subprocess.TimeoutExpired:
            pass
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def last_words(self) -> str:
        """Return the last line of its log that says anything."""
        with self.log.open("rb") as stream:
            stream.seek(max(0, self.log.stat().st_size - 4096))
            lines = stream.read().decode("utf-8", "replace").split("\n")
        return next((one_line(line) for line in reversed(lines) if line.strip()), "it said nothing")

    def _how(self) -> str:
        code = self.exit_code
        return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"


def program(arguments: Sequence[str]) -> tuple[list[str], Mapping[str, str]]:
    """Return the command line and the environment that run ``clawtrail ARGUMENT...`` from this same code.

    The working directory stays out of the import path: a folder ``app`` may stand there.
    """
    root = str(Path(__file__).resolve().parent.parent)
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}
    return [sys.executable, "-P", "-m", "clawtrail", *arguments], environment


def wait_until(ready: Callable[[], bool], children: Sequence[Child], *, within: float, what: str) -> None:
    """Look every 50 ms until *ready* is true.

    Raises ``ChildFailed`` when one of *children* ends before, or when *within* seconds are over; *what* is
    what was waited for, in words.
    """
    end = time.monotonic() + within
    while not ready():
        for child in children:
            child.check()
        if time.monotonic() > end:
            said = "; ".join(f"the {child.name}'s last words: {child.last_words()}" for child in children)
            raise ChildFailed(f"No {what} within {within:g} s; {said}")
        time.sleep(0.05)
