"""A real worker process for tests: started, watched through its log, signalled, and always cleaned up."""

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from tests.support.fake_server import TOKEN
from tests.support.forking import Forked
from tests.support.policies import allow_all


class WorkerProcess:
    """One ``clawtrail worker``; its log is kept as JSON lines."""

    def __init__(self, url: str, folder: Path, *options: str, **environ: str) -> None:
        """Start a worker with its state in *folder*; of our own variables it gets PATH alone."""
        self.state = folder / "state"
        self._log = folder / "worker.log"
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "CLAWTRAIL_WORKER_URL": url,
            "CLAWTRAIL_WORKER_TOKEN": TOKEN,
            "CLAWTRAIL_WORKER_STATE": str(self.state),
            "CLAWTRAIL_WORKER_NAME": "wim",
            "CLAWTRAIL_WORKER_PATH": "/usr/local/bin:/usr/bin:/bin",
            "CLAWTRAIL_WORKER_POLICY": str(allow_all(folder)),
            "CLAWTRAIL_WORKER_LOG_FORMAT": "json",
        }
        self.process = Forked(["worker", *options], environ=env | environ, out=self._log, err=self._log)

    @property
    def log(self) -> list[dict[str, Any]]:
        """The log entries of all workers of this folder so far; what is no JSON is left out."""
        lines = self._log.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    @property
    def said(self) -> str:
        """Everything that was written to stderr and stdout."""
        return self._log.read_text()

    def messages(self) -> list[str]:
        """List the sentences of the log."""
        return [entry["msg"] for entry in self.log]

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the worker alone."""
        self.process.send_signal(number)

    def wait(self, within: float = 60.0) -> int:
        """Wait for its end and give the exit code."""
        return self.process.wait(within)

    def stop(self) -> int:
        """End it as a service manager does, and give the exit code."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        """End it as a crash does."""
        self.signal(signal.SIGKILL)
        self.process.wait()

    def clean_up(self) -> None:
        """Leave nothing of it behind."""
        if self.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.kill()


@contextmanager
def marked(folder: Path) -> Iterator[Path]:
    """Give a file for processes to write their numbers in; kill at the end what still lives of them."""
    file = folder / "pids"
    file.touch()
    yield file
    for pid in file.read_text().split():
        if psutil.pid_exists(int(pid)):
            os.kill(int(pid), signal.SIGKILL)


def lives(pid: int) -> bool:
    """Tell whether a process runs; a zombie does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def eventually(true: Any, *, within: float = 40.0) -> None:  # noqa: ANN401
    """Wait until *true* gives something true. Raises ``TimeoutError``."""
    until = time.monotonic() + within
    while not true():
        if time.monotonic() > until:
            raise TimeoutError(f"not within {within} s")
        time.sleep(0.02)
