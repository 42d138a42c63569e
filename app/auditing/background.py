"""The check of the record that the server has made now and then, by a program of its own beside it."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.auditing import remembering
from app.auditing.faults import Fault
from app.auditing.remembering import NotRemembered

_log = logging.getLogger("clawtrail.audit")
_NICENESS = 15
_FIRST_AFTER_MS = 600_000
"""So long after the start the first check is made: a server that is stopped daily would make none else."""


@dataclass(frozen=True, slots=True)
class Result:
    """How the last check ended: whether all was well, and when (epoch ms)."""

    ok: bool
    at: int


class BackgroundCheck:
    """Starts a check when one is due, and hears how it ended. Only the janitor's thread may call it.

    The check is ``clawtrail audit verify`` as a process of low priority: in this one, it would keep requests
    waiting. ``last`` may be read by any thread; it is replaced whole.
    """

    def __init__(
        self, database: Path, *, every_ms: int | None, started_at: int, tell: Callable[[Fault], None]
    ) -> None:
        """Make the first check one period after the last good one, or soon after the start."""
        self._database = database
        self._every_ms = every_ms
        self._tell = tell
        self._place = remembering.place(database)
        self._running: subprocess.Popen[str] | None = None
        self._due_at = _due_at(self._place, every_ms or 0, started_at=started_at)
        self.last: Result | None = None

    @property
    def is_running(self) -> bool:
        """Whether a check was started of which ``look`` has not heard the end."""
        return self._running is not None

    def look(self, now: int) -> None:
        """Start a check if one is due, or take what a running one has found when it has ended."""
        if self._running is not None:
            if self._running.poll() is not None:
                self._hear(self._running, now)
                self._running = None
        elif self._every_ms is not None and now >= self._due_at:
            self._due_at = now + self._every_ms
            self._running = self._start()

    def stop(self) -> None:
        """End a check that is still running; the next server makes it up."""
        if self._running is not None:
            self._running.kill()
            self._running.communicate()
            self._running = None

    def _start(self) -> subprocess.Popen[str]:
        since = ["--since-checkpoint"] if self._place.exists() else []
        url = f"sqlite:///{self._database}"
        command = [
            sys.executable,
            "-m",
            "clawtrail",
            "audit",
            "verify",
            "--json",
            "--database-url",
            url,
            *since,
        ]
        return subprocess.Popen(
            ["nice", "-n", str(_NICENESS), *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONSAFEPATH": "1"},
        )

    def _hear(self, ended: subprocess.Popen[str], now: int) -> None:
        out, error = ended.communicate()
        try:
            faults = [_fault(one) for one in json.loads(out)["faults"]]
        except (ValueError, KeyError, TypeError):
            _log.error("the record could not be checked (status %d): %s", ended.returncode, error.strip())
            return
        for fault in faults:
            _log.error("the record is not as it was written: %s", fault)
        if faults:
            self._tell(faults[0])
        self.last = Result(ok=not faults, at=now)


def _fault(said: dict[str, Any]) -> Fault:
    return Fault(said["seq"], said["taskId"], said["what"])


def _due_at(place: Path, every_ms: int, *, started_at: int) -> int:
    try:
        return remembering.load(place).at + every_ms
    except NotRemembered:
        return started_at + min(every_ms, _FIRST_AFTER_MS)
