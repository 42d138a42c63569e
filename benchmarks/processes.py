"""Starting, pausing and ending the real processes that are measured."""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import psutil

# What is left over when this program is killed would burden every later measurement.
DIE_WITH_US = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
ROOT = Path(__file__).resolve().parent.parent


class Ended(Exception):
    """A process ended, or did not answer in time."""


class Running:
    """One process in a session of its own, its output in a file; used by one thread."""

    def __init__(
        self, command: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None, pipes: bool = False
    ) -> None:
        self.log = log
        pipe = subprocess.PIPE if pipes else None
        with log.open("ab") as sink:
            self.process = subprocess.Popen(
                [*DIE_WITH_US, *command],
                stdin=pipe or subprocess.DEVNULL,
                stdout=pipe or sink,
                stderr=sink,
                env={**os.environ, **(env or {})},
                cwd=ROOT,
                start_new_session=True,
                text=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid

    def family(self) -> list[psutil.Process]:
        """Return the process and all its descendants that live now; nobody when it has ended."""
        if self.process.poll() is not None:
            return []  # its number may be somebody else's by now
        try:
            first = psutil.Process(self.pid)
            return [first, *first.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def ask(self, order: object) -> Any:  # noqa: ANN401 - whatever JSON the process answers
        """Write *order* as a line of JSON to the process (made with *pipes*) and return its answer.

        Raises `Ended` when the process ends instead.
        """
        assert self.process.stdin
        assert self.process.stdout
        try:
            self.process.stdin.write(json.dumps(order) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise self.complain("it ended") from None
        answer = self.process.stdout.readline()
        if not answer:
            raise self.complain("it ended")
        return json.loads(answer)

    def pause(self) -> None:
        """Stop the family where it is, so that it takes no share of the machine."""
        for member in self.family():
            member.suspend()

    def resume(self) -> None:
        """Let a paused family go on."""
        for member in self.family():
            member.resume()

    def rss_bytes(self) -> int:
        """Return the memory that the family holds, in bytes."""
        return sum(member.memory_info().rss for member in self.family())

    def cpu_seconds(self) -> float:
        """Return the processor time that the family has used so far, in seconds."""
        return sum(sum(member.cpu_times()[:2]) for member in self.family())

    def kill(self) -> None:
        """End the process alone at once, as SIGKILL does; its children live on."""
        self.process.kill()
        self.process.wait()

    def stop(self, grace: float = 15) -> None:
        """Ask the process to end; kill what is left of the family after *grace* seconds."""
        family = self.family()
        self.resume()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        psutil.wait_procs(family, timeout=grace)
        for member in family:
            if member.is_running():
                member.kill()
        self.process.wait()

    def complain(self, what: str) -> Ended:
        """Return an error that carries the end of the log."""
        tail = self.log.read_text(errors="replace")[-2000:]
        return Ended(f"{what}; the end of {self.log}:\n{tail}")


def leave_on_sigterm() -> None:
    """Let SIGTERM end this program as an error does, so that it ends what it started."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def free_port() -> int:
    """Return a port of the loopback that nobody listens on now.

    It is none of those that the kernel gives to connections, so it stays free until it is taken, and between
    two lives of a server.
    """
    while True:
        port = 10_000 + secrets.randbelow(20_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def wait_until(happened: Callable[[], bool], running: Running, what: str, seconds: float = 30) -> None:
    """Return once *happened* says so; raises `Ended` when *running* ends or time is up first."""
    end = time.monotonic() + seconds
    while not happened():
        if running.process.poll() is not None:
            raise running.complain(f"{what}: it ended with {running.process.returncode}")
        if time.monotonic() > end:
            raise running.complain(f"{what}: not ready after {seconds:.0f} s")
        time.sleep(0.02)


def listens(port: int) -> bool:
    """Say whether a connection to *port* of the loopback is taken."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
