"""Everything that a run has started, found and ended, also what has left its process group."""

import os
import signal
import time
from contextlib import suppress

import psutil

MARK = "CLAWTRAIL_TASK_ID"
"""Every child is given its task's id under this name, so that what detached itself can still be found."""

GRACE_S = 5.0
"""Between TERM and KILL."""


class Stopping:
    """The end of a process tree from outside: TERM to all of it, KILL to what is left after 5 seconds."""

    def __init__(self, leader: int, task_id: str, *, spare: bool = False) -> None:
        """Send TERM. *leader* must not be waited for meanwhile, so that its number still means it.

        With *spare* the leader gets no TERM: bubblewrap would end at once, and all inside with it by KILL.
        """
        self._leader = leader
        self._task_id = task_id
        self._spare = spare
        self._others = _find(leader, task_id)
        self._kill_at = time.monotonic() + GRACE_S
        self._killed = False
        self._tell(signal.SIGTERM)

    def go_on(self) -> None:
        """Send KILL when the time has come. To be called now and then."""
        if not self._killed and time.monotonic() >= self._kill_at:
            # A parent that ended on TERM no longer leads to its children: those found first count as well.
            self._others = list({*self._others, *_find(self._leader, self._task_id)})
            self._tell(signal.SIGKILL)
            self._killed = True

    def is_over(self) -> bool:
        """Whether everything but the leader itself is gone, or was sent KILL."""
        return self._killed or not any(_lives(process) for process in self._others)

    def _tell(self, number: signal.Signals) -> None:
        if not self._spare or number == signal.SIGKILL:
            kill_group(self._leader, number)
        for process in self._others:
            with suppress(psutil.Error, OSError):
                process.send_signal(number)


def kill_group(leader: int, number: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal to the process group of *leader*, if there still is one.

    Raises ``ValueError`` for a number that means other processes than those of a group: to killpg(2),
    1 is every process of the machine.
    """
    if leader <= 1:
        raise ValueError(f"{leader} leads no group of ours")
    with suppress(ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
        os.killpg(leader, number)


def _find(leader: int, task_id: str) -> list[psutil.Process]:
    """List the live processes of a run but its leader: descendants, its session, and who carries its mark."""
    found: set[psutil.Process] = set()
    with suppress(psutil.Error):
        found.update(psutil.Process(leader).children(recursive=True))
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):  # gone meanwhile, or not ours to look at
            if process.pid not in {leader, os.getpid()} and _belongs(process, leader, task_id):
                found.add(process)
    return list(found)


def _belongs(process: psutil.Process, leader: int, task_id: str) -> bool:
    return os.getsid(process.pid) == leader or process.environ().get(MARK) == task_id


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
