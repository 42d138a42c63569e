"""Sockets that send exactly these bytes, however wrong they are as HTTP."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Reply:
    """What came back: status, headers in lower case, body."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:  # noqa: ANN401 - any JSON value
        """Return the body as JSON."""
        return json.loads(self.body)


def connect(url: str) -> socket.socket:
    """Return a connection to the server at *url*."""
    address = urlsplit(url)
    assert address.hostname is not None
    return socket.create_connection((address.hostname, address.port or 80), timeout=10)


def exchange(url: str, *pieces: bytes) -> Reply | None:
    """Send *pieces* over a new connection and return the first reply; None when there was none."""
    with connect(url) as connection:
        send(connection, pieces)
        return receive(connection)


def send(connection: socket.socket, pieces: Iterable[bytes]) -> None:
    """Send *pieces*; a server that hangs up meanwhile is no error."""
    with suppress(OSError):
        for piece in pieces:
            connection.sendall(piece)


def receive(connection: socket.socket) -> Reply | None:
    """Return the next reply on *connection*; None when it is closed without one."""
    head = b""
    with suppress(ConnectionError):
        while not head.endswith(b"\r\n\r\n"):
            byte = connection.recv(1)  # no more, so that what follows is left for the next reply
            if not byte:
                return None
            head += byte
    if not head:
        return None
    first, *lines = head.decode("latin-1").rstrip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body, length = b"", int(headers.get("content-length", "0"))
    while len(body) < length:
        more = connection.recv(length - len(body))
        assert more, "the reply ended early"
        body += more
    return Reply(int(first.split()[1]), headers, body)


def request(method: str, path: str, token: str, body: bytes = b"", **headers: str) -> bytes:
    """Return the bytes of a request; a header ``content_length`` is sent as it is given."""
    named = {"host": "localhost", "authorization": f"Bearer {token}", "content_type": "application/json"}
    named |= {"content_length": str(len(body)), **headers}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in named.items() if value != "-"]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode("latin-1") + body
