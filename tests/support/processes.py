"""The real server and worker as processes: started, awaited, stopped, and loud when they do not come up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests

from benchmarks.processes import free_port
from clawtrail import Client
from tests.support import migrated
from tests.support.forking import Forked
from tests.support.policies import allow_all

REPOSITORY = Path(__file__).parents[2]
TOKEN = "a-token-shared-by-the-whole-cast"
_OURS = ("CLAWTRAIL_", "WORKER_", "LONG_POLL_", "POLL_", "MAX_CONCURRENT")


@dataclass
class Program:
    """One process of ours with its log; not for use by several threads at once."""

    arguments: Sequence[str]
    environ: Mapping[str, str]
    log: Path
    process: Forked | subprocess.Popen[bytes] = field(init=False)
    ended_on_purpose: bool = field(init=False, default=True)

    def start(self) -> None:
        """Start it (again), with its output added to the log."""
        if "LD_PRELOAD" in self.environ or str(REPOSITORY) != self.environ.get("PYTHONPATH", str(REPOSITORY)):
            self.process = self._begin()
        else:
            self.process = Forked(self.arguments, environ=self.environ, out=self.log, err=self.log)
        self.ended_on_purpose = False

    def _begin(self) -> subprocess.Popen[bytes]:
        """Start it from nothing: only a new interpreter loads a library before its own, or other packages."""
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "clawtrail", *self.arguments],
                cwd=REPOSITORY,
                env=dict(self.environ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def stop(self, *, within: float = 60.0) -> int:
        """Send SIGTERM and return the exit status; raises when it has not ended *within* so many seconds."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.wait(within=within)

    def kill(self) -> None:
        """Kill it with SIGKILL, as a power cut would."""
        self.process.kill()
        self.wait(within=60)

    def wait(self, *, within: float) -> int:
        """Return the exit status of a program that is about to end; kills it and raises when it does not."""
        self.ended_on_purpose = True
        try:
            return self.process.wait(within)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise self.trouble(f"has not ended within {within:g} s") from None

    def pause(self) -> None:
        """Stop it with SIGSTOP, as a laptop that is put to sleep."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Wake it after ``pause``."""
        self.process.send_signal(signal.SIGCONT)

    def logs(self) -> str:
        """Return all that it has written so far."""
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    def await_ready(self, is_ready: Callable[[], bool], *, within: float) -> None:
        """Wait until *is_ready* says so; raises with the log when the process ends first or takes longer."""
        deadline = time.monotonic() + within
        while not is_ready():
            if self.process.poll() is not None:
                raise self.trouble(f"ended with {self.process.returncode} instead of coming up")
            if time.monotonic() > deadline:
                raise self.trouble(f"has not come up within {within:g} s")
            time.sleep(0.02)

    def finish(self) -> None:
        """End it at the close of a test; raises when it had ended by itself before."""
        by_itself = not self.ended_on_purpose and self.process.poll() is not None
        if self.process.poll() is None:
            self.resume()
            self.stop()
        if by_itself:
            raise self.trouble(f"ended by itself with {self.process.returncode}")

    def trouble(self, what: str) -> AssertionError:
        """Return the error that says *what* is wrong with it, with the end of its log."""
        name = " ".join(self.arguments)
        return AssertionError(f"`clawtrail {name}` {what}. Its log:\n{self.logs()[-8000:]}")


@dataclass
class Server(Program):
    """A server process at its address."""

    url: str = ""
    token: str = TOKEN

    def client(self, token: str | None = None) -> Client:
        """Return a client of this server; with the shared token unless another is given."""
        return Client(self.url, token or self.token)

    def is_ready(self) -> bool:
        """True when it answers on /health."""
        try:
            return bool(requests.get(f"{self.url}/health", timeout=2).ok)
        except requests.RequestException:
            return False

    def restart(self) -> None:
        """Start it again at the same address, and wait until it answers."""
        self.start()
        self.await_ready(self.is_ready, within=40)


@dataclass
class Worker(Program):
    """A worker process."""

    server: Server | None = None
    name: str = ""

    def is_online(self) -> bool:
        """True when the server has seen it."""
        assert self.server is not None
        with self.server.client() as client:
            return any(worker.name == self.name and worker.online for worker in client.workers())

    def restart(self) -> None:
        """Start it again with the same state; does not wait."""
        self.start()


@contextmanager
def start_server(
    data_dir: Path,
    *arguments: str,
    port: int | None = None,
    token: str = TOKEN,
    environ: Mapping[str, str] | None = None,
    **settings: object,
) -> Iterator[Server]:
    """Run ``clawtrail serve`` on *data_dir* and yield it once it answers; stops it with SIGTERM.

    A new folder gets an empty database first; ``clawtrail up`` is what tests let make its own.
    ``settings`` become ``CLAWTRAIL_NAME=value``; *environ* is added as it is, *arguments* to the command.
    The log is ``server.log`` beside the data.
    """
    migrated.lay(data_dir)
    port = port or free_port()
    named = {f"CLAWTRAIL_{name.upper()}": str(value) for name, value in settings.items()}
    server = Server(
        ["serve", "--host", "127.0.0.1", "--port", str(port), "--data", str(data_dir), *arguments],
        clean_environ()
        | {"CLAWTRAIL_DATA": str(data_dir), "WORKER_TOKEN": token}
        | named
        | dict(environ or {}),
        data_dir.parent / f"{data_dir.name}-server.log",
        url=f"http://127.0.0.1:{port}",
        token=token,
    )
    server.restart()
    try:
        yield server
    finally:
        server.finish()


@contextmanager
def start_worker(
    server: Server,
    state_dir: Path,
    *arguments: str,
    name: str = "wim",
    url: str | None = None,
    token: str | None = None,
    labels: Sequence[str] = (),
    max_concurrent: int | None = None,
    environ: Mapping[str, str] | None = None,
    await_online: bool = True,
) -> Iterator[Worker]:
    """Run ``clawtrail worker`` for *server* and yield it once the server has seen it; stops it with SIGTERM.

    *url* is another way to the server, such as through a proxy; *await_online* off does not wait for it.
    """
    state_dir.mkdir(parents=True, exist_ok=True)
    options = [option for label in labels for option in ("--label", label)]
    options += [] if max_concurrent is None else ["--max-concurrent", str(max_concurrent)]
    worker = Worker(
        [
            "worker",
            "--url",
            url or server.url,
            "--state",
            str(state_dir),
            "--name",
            name,
            *options,
            *arguments,
        ],
        clean_environ()
        | {"WORKER_TOKEN": token or server.token, "CLAWTRAIL_WORKER_POLICY": str(allow_all(state_dir))}
        | dict(environ or {}),
        state_dir.parent / f"{state_dir.name}-worker.log",
        server=server,
        name=name,
    )
    worker.start()
    try:
        if await_online:
            worker.await_ready(worker.is_online, within=40)
        yield worker
    finally:
        worker.finish()


def clean_environ() -> dict[str, str]:
    """Return this process's environment without anything that configures us."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return kept | {"PYTHONUNBUFFERED": "1", "PYTHONPATH": str(REPOSITORY)}
