"""The server that was taken over: hands out the claims that it is given, and says yes to everything."""

import itertools
import json
import threading
from collections import deque
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from benchmarks.rogue.forging import Claim

TOKEN = "token-of-the-worker"  # noqa: S105 - of this server alone


class RogueServer:
    """Listens on loopback. ``_changed`` guards what waits and what was told."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[dict[str, Any]] = deque()
        self._numbers = itertools.count(1)
        self._newest = 0
        self._open: set[str] = set()
        self._told: dict[str, dict[str, Any]] = {}
        self._http = _Http(self)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._newest += 1
            self._changed.notify_all()
        self._http.shutdown()
        self._http.server_close()

    def run(self, claims: Iterable[Claim], *, within: float) -> list[dict[str, Any]]:
        """Hand out *claims* and give what the worker said of each, in order. Raises ``TimeoutError``."""
        leases = [self._offer(claim) for claim in claims]
        with self._changed:
            self._changed.notify_all()
            if not self._changed.wait_for(lambda: not self._open, within):
                raise TimeoutError(f"{len(self._open)} of {len(leases)} tasks have no end after {within:g} s")
            return [self._told.pop(lease) for lease in leases]

    def _offer(self, claim: Claim) -> str:
        with self._changed:
            number = next(self._numbers)
            lease = f"lease-{number}"
            self._open.add(lease)
            about = {"taskId": f"task-{number}", "attempt": 1, "lease": lease, "submittedBy": "client:ada"}
            self._waiting.append(about | claim)
            return lease

    def sync(self, body: dict[str, Any]) -> dict[str, Any]:
        """Answer a sync: with claims, when a newer one comes, or when its time is over."""
        with self._changed:
            self._newest += 1
            mine = self._newest
            self._changed.notify_all()
            self._changed.wait_for(
                lambda: self._newest != mine or (body["free"] and self._waiting), body["wait"] / 1000
            )
            tasks = self._take(body["free"]) if self._newest == mine else []
            return {"tasks": tasks, "leaseMs": 600_000, "superseded": self._newest != mine}

    def report(self, body: dict[str, Any]) -> dict[str, Any]:
        """Answer a report: yes to everything, and claims for what it frees."""
        with self._changed:
            for item in body["items"]:
                if item["type"] == "result" and item["lease"] in self._open:
                    self._told[item["lease"]] = item
                    self._open.discard(item["lease"])
            self._changed.notify_all()
            results = [{"ok": True}] * len(body["items"])
            return {"results": results, "tasks": self._take(body.get("free", 0))}

    def _take(self, free: int) -> list[dict[str, Any]]:
        return [self._waiting.popleft() for _ in range(min(free, len(self._waiting)))]


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, rogue: RogueServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.rogue = rogue

    def handle_error(self, request: object, client_address: object) -> None:
        """Stay silent: a worker that is ended hangs up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Http

    def log_message(self, *_: object) -> None:
        """Write nothing."""

    def do_POST(self) -> None:
        """Answer the worker's two calls."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        rogue = self.server.rogue
        said = rogue.sync(body) if self.path == "/worker/sync" else rogue.report(body)
        content = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
