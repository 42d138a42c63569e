"""A small real HTTP server whose answers a test writes down in advance, for the edge of the client."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    connection: int

    @property
    def json(self) -> dict[str, object]:
        """The body as a JSON object."""
        value = json.loads(self.body)
        assert isinstance(value, dict)
        return value


@dataclass(frozen=True)
class Reply:
    """One answer: bytes with a status, or (``drop``) none at all, or (``trickle``) a byte every so often."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    drop: bool = False
    trickle: float = 0.0
    after: threading.Event | None = None
    delay: float = 0.0


def reply(status: int, content: object, **headers: str) -> Reply:
    """Return an answer with *content* as JSON; header names are written with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, json.dumps(content).encode(), {"Content-Type": "application/json"} | named)


def page(status: int, html: str, **headers: str) -> Reply:
    """Return an answer that no Clawtrail gives: a page, as proxies show."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, html.encode(), {"Content-Type": "text/html"} | named)


DROP = Reply(drop=True)

Script = Reply | Callable[[Asked], Reply]


class ScriptedServer:
    """Listens on loopback, with *tls* if given; each route gives its replies in order, the last for ever.

    Threads of the server write `asked` under a lock; a test reads it once its client has its answer.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[Asked] = []
        self._lock = threading.Lock()
        self._scripts: dict[tuple[str, str], list[Script]] = {}
        self._http = _Http(self)
        if tls is not None:
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True)
        scheme = "http" if tls is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self._http.server_address[1]}"

    def on(self, method: str, path: str, *script: Script) -> None:
        """Set what *path* answers to *method*; replaces what was set before."""
        with self._lock:
            self._scripts[method, path] = list(script)

    def asked_for(self, path: str) -> list[Asked]:
        """Return the requests for *path*, in order."""
        with self._lock:
            return [asked for asked in self.asked if asked.path == path]

    def answer(self, asked: Asked) -> Reply:
        """Record *asked* and return what the script says to it."""
        with self._lock:
            self.asked.append(asked)
            script = self._scripts.get((asked.method, asked.path))
            if not script:
                return reply(
                    404,
                    {"error": f"nothing is scripted for {asked.method} {asked.path}", "code": "not_found"},
                )
            step = script.pop(0) if len(script) > 1 else script[0]
        return step if isinstance(step, Reply) else step(asked)

    @contextmanager
    def running(self) -> Iterator[ScriptedServer]:
        """Serve until the block ends."""
        thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._http.shutdown()
            self._http.server_close()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, scripted: ScriptedServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.scripted = scripted
        self.connections = 0

    def handle_error(self, request: object, client_address: object) -> None:
        """Stay silent: clients that hang up are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Http

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1
        self.number = self.server.connections

    def log_message(self, *_: object) -> None:
        """Write nothing: what was asked is kept in the server."""

    def do_GET(self) -> None:
        """Answer as scripted."""
        self._answer()

    do_POST = do_GET  # noqa: N815 - the name that http.server looks for

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        given = self.server.scripted.answer(
            Asked(self.command, parts.path, query, dict(self.headers.items()), body, self.number)
        )
        if given.after is not None:
            given.after.wait(30)
        time.sleep(given.delay)
        if given.drop:
            self.close_connection = True
            return
        self.send_response(given.status)
        for name, value in {"Content-Length": str(len(given.body)), **given.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        for piece in _pieces(given):
            self.wfile.write(piece)


def _pieces(given: Reply) -> Iterator[bytes]:
    if not given.trickle:
        yield given.body
        return
    for at in range(len(given.body)):
        time.sleep(given.trickle)
        yield given.body[at : at + 1]
