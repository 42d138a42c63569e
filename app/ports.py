"""A port: waitress's server with a loop that looks only at connections where something happened."""

from __future__ import annotations

import selectors
import threading
import time
from select import POLLIN, POLLOUT
from typing import Any, Protocol, cast

from waitress import wasyncore
from waitress.server import TcpWSGIServer

from app.channels import Channel

GLANCE_S = 1.0
"""How often every connection is asked what it wants, whether something happened there or not."""

_POLLED = (0, POLLIN, POLLOUT, POLLIN | POLLOUT)
"""What waitress calls the events of `selectors`, which are 1 for reading and 2 for writing."""


class _Watched(Protocol):
    """What stands in waitress's map of descriptors: connections, the listening socket, the trigger."""

    accepting: bool

    def readable(self) -> bool:
        """Say whether it wants to read."""

    def writable(self) -> bool:
        """Say whether it wants to write."""


class Port(TcpWSGIServer):  # type: ignore[misc]  # waitress is untyped
    """One listening socket with its connections.

    Waitress asks every connection whether it wants to read or to write, each time before it looks
    at the sockets: with many connections that is most of its work. Here the kernel keeps that list,
    and a connection is asked again when something happened to it, when a thread left work for
    the loop and pulled the trigger, and once a second.

    The loop's thread alone touches ``_selector``, ``_known`` and ``_arrived``; any thread may pull
    the trigger.
    """

    channel_class = Channel

    def __init__(self, *args: Any, **kw: Any) -> None:  # noqa: ANN401 - waitress is untyped
        self._selector = selectors.DefaultSelector()
        self._known: dict[int, tuple[_Watched, int]] = {}
        self._arrived: list[int] = []
        self._serving = threading.local()
        super().__init__(*args, **kw)

    def arrived(self, fd: int) -> None:
        """Take note of a new connection; the loop's thread makes them."""
        self._arrived.append(fd)

    def serving(self, channel: Channel | None) -> None:
        """Take note of whose request the calling thread answers."""
        self._serving.channel = channel

    def pull_trigger(self) -> None:
        """Wake the loop, unless the connection that the calling thread serves leaves it nothing to do."""
        channel = getattr(self._serving, "channel", None)
        if channel is None or channel.leaves_work():
            super().pull_trigger()

    def run(self) -> None:
        """Serve until the last socket is closed."""
        trigger = self.trigger._fileno  # noqa: SLF001 - it has no public name for that
        self._ask_all()
        glance_at = time.monotonic() + GLANCE_S
        while self._map:
            ready = [(key.fd, events) for key, events in self._selector.select(GLANCE_S)]
            for fd, events in ready:
                if fd in self._map:
                    wasyncore.readwrite(self._map[fd], _POLLED[events])
            touched = [fd for fd, _events in ready] + self._arrived
            self._arrived.clear()
            now = time.monotonic()
            if trigger in touched or now >= glance_at:
                glance_at = now + GLANCE_S
                self._ask_all()
                continue
            for fd in touched:
                self._ask(fd)

    def _ask_all(self) -> None:
        for fd in self._known.keys() | self._map.keys():
            self._ask(fd)

    def _ask(self, fd: int) -> None:
        """Let the kernel watch for what the connection of this descriptor wants now."""
        watched = cast("_Watched | None", self._map.get(fd))
        before, watching = self._known.get(fd, (None, 0))
        if watching and before is not watched:  # closed since; its number may be another's by now
            self._selector.unregister(fd)
            watching = 0
        wanted = 0 if watched is None else _wanted(watched)
        if watched is None:
            self._known.pop(fd, None)
        else:
            self._known[fd] = (watched, wanted)
        if wanted == watching:
            return
        if not wanted:
            self._selector.unregister(fd)
        elif not watching:
            self._selector.register(fd, wanted)
        else:
            self._selector.modify(fd, wanted)


def _wanted(watched: _Watched) -> int:
    reads = selectors.EVENT_READ if watched.readable() else 0
    writes = selectors.EVENT_WRITE if watched.writable() and not watched.accepting else 0
    return reads | writes
