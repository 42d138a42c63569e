"""Bytes on the wire that are no proper HTTP, and clients that hang up, against the real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.support import raw_http
from tests.support.patience import until
from tests.support.processes import TOKEN, Server, start_server

BODY = b'{"command": "true"}'
CHUNKED = {"transfer_encoding": "chunked", "content_length": "-"}
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server process for the tests of this file."""
    with start_server(
        tmp_path_factory.mktemp("sockets") / "data", rate_limit="none", max_waiting=50
    ) as running:
        yield running


def ask(server: Server, path: str) -> Any:  # noqa: ANN401 - any JSON value
    """Return what a well-behaved client gets."""
    return requests.get(server.url + path, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10).json()


def total(server: Server) -> int:
    """Return how many events are on the record, denials aside."""
    told = ask(server, "/events/stats")
    return int(told["total"]) - int(told["byType"].get("access.denied", 0))


def post(body: bytes = BODY, **headers: str) -> bytes:
    """Return the bytes of a submission."""
    return raw_http.request("POST", "/tasks", TOKEN, body, **headers)


def chunks(*pieces: bytes) -> bytes:
    """Return *pieces* in chunked transfer."""
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (*pieces, b""))


BROKEN: dict[str, bytes] = {
    "no HTTP at all": b"hello\r\n\r\n",
    "TLS on a plain port": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 40 + b"\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a method with a blank before": b" GET /tasks HTTP/1.1\r\nHost: x\r\n\r\n",
    "a method in small letters": b"get /health HTTP/1.1\r\nHost: x\r\n\r\n",
    "a header without a colon": b"GET /tasks HTTP/1.1\r\nHost x\r\n\r\n",
    "a header with a blank in its name": b"GET /tasks HTTP/1.1\r\nHo st: x\r\n\r\n",
    "a header with NUL": b"GET /tasks HTTP/1.1\r\nHost: a\0b\r\n\r\n",
    "a bare line feed": b"GET /tasks HTTP/1.1\r\nHost: x\nX: y\r\n\r\n",
    "a folded header": b"GET /tasks HTTP/1.1\r\n X: y\r\n\r\n",
    "endless headers": b"GET /tasks HTTP/1.1\r\nX: " + b"x" * 300_000 + b"\r\n\r\n",
    "an endless path": b"GET /" + b"x" * 300_000 + b" HTTP/1.1\r\n\r\n",
    "a length that is none": post(content_length="many"),
    "a negative length": post(content_length="-1"),
    "a length with a plus": post(content_length="+19"),
    "two lengths": post(content_length="19, 20"),
    "an unknown transfer": post(transfer_encoding="gzip", content_length="-"),
    "a chunked transfer that is none": post(transfer_encoding="chunked, gzip", content_length="-"),
    "a chunk of no size": post(chunks(BODY).replace(b"13\r\n", b"zz\r\n", 1), **CHUNKED),
    "a chunk of negative size": post(chunks(BODY).replace(b"13\r\n", b"-13\r\n", 1), **CHUNKED),
    "a chunk without an end": post(chunks(BODY).replace(b"}\r\n", b"}XX", 1), **CHUNKED),
    "an endless trailer": post(b"0\r\n" + b"X: y\r\n" * 20_000, **CHUNKED),
    "a chunk of endless size": post(b"f" * MIB, **CHUNKED),
}


@pytest.mark.parametrize("sent", BROKEN.values(), ids=BROKEN)
def test_what_is_no_http_is_refused(server: Server, sent: bytes) -> None:
    """The answer is 4xx in JSON with a code and an id, or the connection ends; nothing is written."""
    before = total(server)
    reply = raw_http.exchange(server.url, sent)
    assert total(server) == before
    if reply is None:
        return
    assert 400 <= reply.status < 500, reply
    told = reply.json()
    assert told["error"]
    assert told["code"]
    assert reply.headers["x-request-id"]


SMUGGLED = b"GET /tasks/stats HTTP/1.1\r\nHost: x\r\n\r\n"


def test_a_request_cannot_be_smuggled_past_two_lengths(server: Server) -> None:
    """With both lengths given, what follows is no second request of somebody else."""
    with raw_http.connect(server.url) as connection:
        sent = post(chunks() + SMUGGLED, transfer_encoding="chunked", content_length=str(5 + len(SMUGGLED)))
        raw_http.send(connection, [sent])
        first = raw_http.receive(connection)
        assert first is not None
        assert first.status == 400


def test_a_body_too_large_is_413(server: Server) -> None:
    """A client that sends too much, and means well, reads the answer."""
    before = total(server)
    response = requests.post(
        f"{server.url}/tasks",
        data=json.dumps({"command": "x" * (6 * MIB)}),
        headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
        timeout=10,
    )
    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")
    assert total(server) == before


def test_an_endless_body_is_413_at_once(server: Server) -> None:
    """A body announced as huge is refused before it is sent."""
    reply = raw_http.exchange(server.url, post(content_length=str(10 * 1024 * MIB)))
    assert reply is not None
    assert (reply.status, reply.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("size", [6, 40])
def test_a_chunked_body_too_large_is_413(server: Server, size: int) -> None:
    """Without a length, the body is refused when it has grown too large."""
    before = total(server)
    piece = b"x" * MIB
    sent = [post(b"", **CHUNKED)] + [b"%x\r\n%b\r\n" % (MIB, piece)] * size + [b"0\r\n\r\n"]
    reply = raw_http.exchange(server.url, *sent)
    assert total(server) == before
    if reply is not None:  # the connection may break while the rest is still being sent
        assert (reply.status, reply.json()["code"]) == (413, "body_too_large")


def test_a_chunked_body_is_taken(server: Server) -> None:
    """Chunked transfer is as good as a length."""
    reply = raw_http.exchange(server.url, post(chunks(BODY[:5], BODY[5:]), **CHUNKED))
    assert reply is not None
    assert reply.status == 200
    assert reply.json()["taskId"]


def test_half_a_body_is_no_submission(server: Server) -> None:
    """A client that hangs up within its body has submitted nothing."""
    before = total(server)
    with raw_http.connect(server.url) as connection:
        raw_http.send(connection, [post()[:-3]])
    assert total(server) == before


def test_requests_behind_each_other_are_answered_in_order(server: Server) -> None:
    """Several requests on one connection, sent without waiting, get their answers one by one."""
    paths = ("/health", "/tasks/none", "/openapi.json")
    with raw_http.connect(server.url) as connection:
        raw_http.send(connection, [raw_http.request("GET", path, TOKEN) for path in paths])
        replies = [raw_http.receive(connection) for _ in paths]
    assert [reply and reply.status for reply in replies] == [200, 404, 200]


def test_a_head_has_no_body(server: Server) -> None:
    """A HEAD request is answered with headers alone, and the next answer is not confused by it."""
    with raw_http.connect(server.url) as connection:
        raw_http.send(connection, [raw_http.request("HEAD", "/health", TOKEN)])
        head = connection.recv(65536)
        assert head.endswith(b"\r\n\r\n")
        raw_http.send(connection, [raw_http.request("GET", "/health", TOKEN)])
        reply = raw_http.receive(connection)
        assert reply is not None
        assert reply.json()["status"] == "ok"


@pytest.mark.parametrize("how", ["sync", "poll"])
def test_a_worker_that_hung_up_wins_no_task(server: Server, how: str) -> None:
    """A task that comes while a dead connection is parked goes to no one, and waits for the next worker."""
    kinds = json.dumps({"workerId": "gone", "session": "s", "kinds": ["command"], "free": 1, "wait": 25000})
    sent = {
        "sync": raw_http.request("POST", "/worker/sync", TOKEN, kinds.encode()),
        "poll": raw_http.request("GET", "/worker/poll?wait=60000", TOKEN),
    }[how]
    _empty(server)
    with raw_http.connect(server.url) as connection:
        raw_http.send(connection, [sent])
        until(lambda: _parked(server) == 1)
    reply = requests.post(
        f"{server.url}/tasks",
        json={"command": "true"},
        headers={"Authorization": f"Bearer {TOKEN}"},
        timeout=10,
    )
    task_id = reply.json()["taskId"]
    until(lambda: _parked(server) == 0)
    assert ask(server, f"/tasks/{task_id}")["state"] == "pending"


def test_who_hangs_up_leaves_his_place(server: Server) -> None:
    """Result waits of clients that have gone do not keep others out."""
    _empty(server)
    task_id = requests.post(
        f"{server.url}/tasks",
        json={"command": "true", "labels": ["none=here"]},
        headers={"Authorization": f"Bearer {TOKEN}"},
        timeout=10,
    ).json()["taskId"]
    connections = [raw_http.connect(server.url) for _ in range(20)]
    for connection in connections:
        raw_http.send(connection, [raw_http.request("GET", f"/tasks/{task_id}?wait=60000", TOKEN)])
    until(lambda: _waiting(server) == 20)
    for connection in connections:
        connection.close()
    until(lambda: _waiting(server) == 0)


def _empty(server: Server) -> None:
    """Take all pending tasks out of the way."""
    for task in ask(server, "/tasks?state=pending&limit=500")["tasks"]:
        requests.post(
            f"{server.url}/tasks/{task['taskId']}/cancel",
            headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=10,
        )


def _parked(server: Server) -> int:
    return _metric(server, 'clawtrail_parked{of="workers"}')


def _waiting(server: Server) -> int:
    return _metric(server, "clawtrail_waits_admitted")


def _metric(server: Server, name: str) -> int:
    lines = requests.get(f"{server.url}/metrics", timeout=10).text.splitlines()
    return int(float(next(line.split()[-1] for line in lines if line.startswith(name + " "))))
