"""Server and worker on the stage: started, killed, started again on the same data and port."""

import time

from benchmarks.crash.plan import Kill, Victim
from benchmarks.processes import Ended, Running
from benchmarks.service import Service

READY_S = 60


class Stage:
    """The two processes of one service; used by one thread."""

    def __init__(self, service: Service, slots: int) -> None:
        self._service = service
        self._slots = slots
        self.server: Running | None = None
        self.worker: Running | None = None
        self.raised_at = 0.0
        self.slowest_start_s = 0.0

    def raise_all(self) -> None:
        """Start what is not running, at once and without waiting for it."""
        self.raised_at = time.monotonic()
        if self.server is None:
            self.server = self._service.start_server()
        if self.worker is None:
            self.worker = self._service.start_worker(self._slots)

    def wait_ready(self) -> None:
        """Return when the server answers; raises `Ended` when server or worker ended by itself."""
        end = time.monotonic() + READY_S
        while not self._service.answers():
            self.check()
            if time.monotonic() > end:
                raise Ended(f"the server does not answer {READY_S} s after its start")
            time.sleep(0.02)
        self.slowest_start_s = max(self.slowest_start_s, time.monotonic() - self.raised_at)

    def wait_working(self) -> None:
        """Return when one more task has been completed than now; raises `Ended` when none is in time."""
        end = time.monotonic() + READY_S
        before = self._service.count_by_state().get("completed", 0)
        while self._service.count_by_state().get("completed", 0) == before:
            self.check()
            if time.monotonic() > end:
                raise Ended(f"no task is completed {READY_S} s after a crash")
            time.sleep(0.02)

    def check(self) -> None:
        """Raise `Ended` when a process is gone that nobody killed."""
        for name, running in (("server", self.server), ("worker", self.worker)):
            if running is not None and running.process.poll() is not None:
                raise running.complain(f"the {name} ended by itself with {running.process.returncode}")

    def do(self, kill: Kill) -> None:
        """Wait for the moment of *kill*, kill, and start again what was killed."""
        if kill.moment != "starting":
            self.wait_ready()
        if kill.moment == "working":
            self.wait_working()
        time.sleep(kill.after_s)
        self.check()
        self._kill(kill.victim)
        self.raise_all()

    def _kill(self, victim: Victim) -> None:
        if self.server and victim != "worker":
            self.server.kill()
            self.server = None
        if self.worker and victim != "server":
            self.worker.kill()
            self.worker = None
