"""A lean load generator, run as a process of its own: many kept-alive connections, one thread."""

import json
import selectors
import socket
import sys
import time
from collections import Counter
from itertools import cycle
from typing import TypedDict


class Load(TypedDict):
    """What came of one load: answers a second, latencies in milliseconds, answers by status."""

    rate: float
    p50_ms: float
    p99_ms: float
    statuses: dict[str, int]


def encode(method: str, path: str, token: str | None, body: object = None) -> bytes:
    """Return a whole HTTP/1.1 request with *body* as JSON; None means no body."""
    content = b"" if body is None else json.dumps(body).encode()
    head = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    if token:
        head.append(f"Authorization: Bearer {token}")
    if body is not None:
        head += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return ("\r\n".join(head) + "\r\n\r\n").encode() + content


class Connection:
    """One kept-alive connection with at most one request under way; used by one thread."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent_at = 0.0
        self._received = b""
        self._length = -1

    def send(self, request: bytes) -> None:
        """Send *request* and note the time."""
        self._received, self._length = b"", -1
        self.sent_at = time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> tuple[int, bytes] | None:
        """Read what is there; return status and body once the answer is whole, else None.

        Raises ConnectionError when the server hung up.
        """
        part = self.socket.recv(65536)
        if not part:
            raise ConnectionError("the server hung up")
        self._received += part
        if self._length < 0:
            head, found, _ = self._received.partition(b"\r\n\r\n")
            if not found:
                return None
            self._length = len(head) + 4 + _content_length(head)
        if len(self._received) < self._length:
            return None
        return int(self._received[9:12]), self._received[self._received.index(b"\r\n\r\n") + 4 :]

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send *request* and return status and body of the answer."""
        self.send(request)
        while (answer := self.receive()) is None:
            pass
        return answer

    def close(self) -> None:
        """Hang up."""
        self.socket.close()


def _content_length(head: bytes) -> int:
    lower = head.lower()
    at = lower.index(b"content-length:") + len(b"content-length:")
    return int(lower[at:].partition(b"\r\n")[0])


def load(port: int, requests: list[bytes], *, connections: int, seconds: float, warm_up: float = 0.3) -> Load:
    """Keep every connection busy with the next of *requests*, in turn, for *seconds* after *warm_up*."""
    selector = selectors.DefaultSelector()
    turn = cycle(requests)
    for _ in range(connections):
        connection = Connection(port)
        selector.register(connection.socket, selectors.EVENT_READ, connection)
        connection.send(next(turn))
    took: list[float] = []
    statuses: Counter[str] = Counter()
    begin = time.perf_counter() + warm_up
    now = begin - warm_up
    while now < begin + seconds:
        for key, _events in selector.select(1):
            answer = key.data.receive()
            if answer is None:
                continue
            now = time.perf_counter()
            if now >= begin:
                took.append(now - key.data.sent_at)
                statuses[str(answer[0])] += 1
            key.data.send(next(turn))
        now = time.perf_counter()
    for key in list(selector.get_map().values()):
        key.data.close()
    took.sort()
    return {
        "rate": len(took) / (now - begin),
        "p50_ms": took[len(took) // 2] * 1000,
        "p99_ms": took[len(took) * 99 // 100] * 1000,
        "statuses": dict(statuses),
    }


def main() -> None:
    """Answer each order on standard input, one line of JSON, with one line of JSON."""
    for line in sys.stdin:
        order = json.loads(line)
        requests = [encode(*one) for one in order["requests"]]
        found = load(order["port"], requests, connections=order["connections"], seconds=order["seconds"])
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
