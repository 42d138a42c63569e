"""Running the application under waitress: one port, or a second one for long polls; a clean end."""

from __future__ import annotations

import gc
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask
from waitress.adjustments import Adjustments

from app.api.routing import DOORWAY
from app.api.service import Service
from app.api.unfinished import SUSPENDS, UNFINISHED, Steps
from app.factory import FAILURES, close_app
from app.ports import Port
from app.threads import Threads
from app.waiting import Doorway
from config.server import ServerSettings

SPARE_CONNECTIONS = 512
WAITS_BESIDE_A_WAIT_PORT = 64
DRAIN_S = 8.0
LOOK_S = 0.02
GLANCE_S = 1.0
GARBAGE = 20_000
"""New objects after which the collector looks for cycles among them."""

_log = logging.getLogger("clawtrail.server")

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


class Busy:
    """Counts the requests that are being answered. Any thread may call it; the lock guards it."""

    def __init__(self, app: Wsgi, doorway: Doorway) -> None:
        self._app = app
        self._doorway = doorway
        self._lock = threading.Lock()
        self.count = 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:  # noqa: ANN401 - WSGI
        """Serve one request, counted, with the doorway of this port."""
        with self._lock:
            self.count += 1
        try:
            begun: Steps | None = environ.get(UNFINISHED)
            if begun is not None:
                return begun.take_up()
            environ |= {DOORWAY: self._doorway, SUSPENDS: True}
            return self._app(environ, start_response)
        finally:
            with self._lock:
                self.count -= 1


class Server:
    """Waitress on one or two ports. Only the main thread uses it; each port has its own loop thread."""

    def __init__(self, app: Flask, settings: ServerSettings) -> None:
        self._app = app
        self._stop = threading.Event()
        self.failed = False
        service: Service = app.extensions["clawtrail"]
        app.extensions[FAILURES].append(self._fail)
        split = settings.wait_port is not None
        waits = WAITS_BESIDE_A_WAIT_PORT if split else settings.max_waiting
        self._busy = [Busy(app, service.doorway if not split else Doorway(waits))]
        self._ports = [_listen(self._busy[0], settings, settings.port, waits)]
        if settings.wait_port is not None:
            self._busy.append(Busy(app, service.doorway))
            self._ports.append(
                _listen(self._busy[1], settings, settings.wait_port, settings.max_waiting),
            )

    @property
    def ports(self) -> list[int]:
        """The ports that are listened on; the second is for waits."""
        return [int(port.effective_port) for port in self._ports]

    def _fail(self) -> None:
        # Called by whichever thread led the commit that failed, or by one that listened.
        self.failed = True
        self._stop.set()

    def run(self) -> int:
        """Serve until SIGTERM or SIGINT, then end cleanly; return the exit status.

        Parked polls are answered, requests in hand are finished and what they did is committed,
        within ``DRAIN_S`` seconds.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        _settle_memory()
        for port in self._ports:
            threading.Thread(target=self._loop, args=(port,), name="waitress", daemon=True).start()
        # A signal that comes just before the thread falls asleep does not wake it: its handler runs
        # when the thread wakes next.
        while not self._stop.wait(GLANCE_S):
            pass
        self._drain()
        return 1 if self.failed else 0

    def _loop(self, port: Port) -> None:
        try:
            port.run()
        finally:  # a server that no longer listens is better started anew
            self._fail()

    def _drain(self) -> None:
        _log.info("stopping: answering who waits, finishing what is in hand")
        until = time.monotonic() + DRAIN_S
        for port in self._ports:
            port.accepting = False
        self._app.extensions["clawtrail"].room.close()
        while self._is_busy() and time.monotonic() < until:
            self._hang_up()
            time.sleep(LOOK_S)
        close_app(self._app)

    def _hang_up(self) -> None:
        """Close what is kept alive with nothing under way, else pollers would ask again and again."""
        for port in self._ports:
            for channel in list(port.active_channels.values()):
                if not channel.requests and not channel.total_outbufs_len:
                    channel.close_when_flushed = True
            port.pull_trigger()

    def _is_busy(self) -> bool:
        answering = any(busy.count for busy in self._busy)
        unsent = any(
            channel.total_outbufs_len or channel.requests
            for port in self._ports
            for channel in list(port.active_channels.values())
        )
        return answering or unsent


def _settle_memory() -> None:
    """Let the collector of cyclic garbage pass over what is here for good: modules, models, tables.

    It looked at all of that again and again while requests came and went.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE, 20, 20)


def _listen(app: Wsgi, settings: ServerSettings, port: int, waits: int) -> Port:
    proxy: dict[str, Any] = {}
    if settings.trusted_proxy:
        proxy = {
            "trusted_proxy": settings.trusted_proxy,
            "trusted_proxy_headers": {"x-forwarded-for", "x-forwarded-proto"},
        }
    adjustments = Adjustments(
        host=settings.host,
        port=port,
        connection_limit=waits + settings.threads + SPARE_CONNECTIONS,
        # One more request is read while one is served: only so is a hang-up noticed.
        channel_request_lookahead=1,
        # Somewhat more is read than is taken: so who sent it is still there for the answer.
        max_request_body_size=2 * settings.max_body_bytes,
        channel_timeout=120,
        # They stay to be seen: nothing believes them, and /metrics tells by them what came through a proxy.
        clear_untrusted_proxy_headers=False,
        ident=None,
        **proxy,
    )
    threads = Threads(waits + settings.threads)
    return Port(app, dispatcher=threads, adj=adjustments, sockinfo=adjustments.listen[0])
