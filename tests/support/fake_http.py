"""The HTTP of the stand-in for the service: real sockets, answers that can be as wrong as a test wants."""

import json
import select
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]
Alive = Callable[[], bool]


@dataclass
class Answer:
    """An answer that goes out instead of the right one; *cut* closes the connection without any."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    cut: bool = False


class Listener(ThreadingHTTPServer):
    """Serves POST requests on loopback.

    *answer* gets path, authorization and body of each, in a thread of its own, and a function that
    tells whether the other side still listens.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self,
        port: int,
        answer: Callable[[str, str, Json, Alive], Answer],
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.answer = answer
        self.connections = 0
        self._open: set[Any] = set()
        super().__init__(("127.0.0.1", port), _Handler)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Serve one connection, and remember it."""
        self._open.add(request)
        self.connections += 1
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401
        """Close one connection."""
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Say nothing of connections that the worker cut, or that a test did."""

    def cut_all(self) -> None:
        """Cut off all connections, as when the server dies."""
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Listener

    def do_POST(self) -> None:
        """Serve one request of the worker."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._send(self.server.answer(self.path, self.headers["Authorization"] or "", body, self._alive))

    def do_GET(self) -> None:
        """Answer as a service without a log does."""
        self._send(
            Answer(404, b'{"error":"There is nothing at this address; see /docs.","code":"not_found"}')
        )

    def _alive(self) -> bool:
        readable, _, _ = select.select([self.connection], [], [], 0)
        return not readable or bool(self.connection.recv(1, socket.MSG_PEEK))

    def _send(self, answer: Answer) -> None:
        if answer.cut:
            self.close_connection = True
            return
        try:
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)
            self.wfile.flush()
        except OSError:  # the worker has gone
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing: the tests look at ``requests``."""
