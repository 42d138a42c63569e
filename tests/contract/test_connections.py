"""Connections of the real server: in order, whole, in one packet, whatever comes and goes beside them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
import requests

from tests.support import raw_http
from tests.support.processes import TOKEN, Server, start_server

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server process for the tests of this file."""
    with start_server(tmp_path_factory.mktemp("connections") / "data", rate_limit="none") as running:
        yield running


def submit(command: str) -> bytes:
    """Return the bytes of a submission."""
    return raw_http.request("POST", "/tasks", TOKEN, json.dumps({"command": command}).encode())


def detail(server: Server, task_id: str) -> dict[str, object]:
    """Return what the server keeps of a task."""
    answer = requests.get(
        f"{server.url}/tasks/{task_id}/detail", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10
    )
    found: dict[str, object] = answer.json()["task"]
    return found


def test_requests_sent_at_once_are_answered_in_their_order(server: Server) -> None:
    """Twenty requests in one packet get twenty answers, the first one first."""
    commands = [f"echo {number}" for number in range(20)]
    with raw_http.connect(server.url) as connection:
        connection.sendall(b"".join(map(submit, commands)))
        answers = [raw_http.receive(connection) for _ in commands]
    ids = [answer.json()["taskId"] for answer in answers if answer is not None]
    assert [detail(server, task_id)["payload"] for task_id in ids] == [{"command": one} for one in commands]


def test_same_head_with_another_body_is_another_request(server: Server) -> None:
    """A head that is known by heart never brings back the body that came with it before."""
    heads = {submit(command).partition(b"\r\n\r\n")[0] for command in ("echo a", "echo b")}
    assert len(heads) == 1
    ids = []
    for command in ("echo a", "echo b", "echo a"):
        answer = raw_http.exchange(server.url, submit(command))
        assert answer is not None
        ids.append(answer.json()["taskId"])
    told = [detail(server, task_id)["payload"] for task_id in ids]
    assert told == [{"command": "echo a"}, {"command": "echo b"}, {"command": "echo a"}]


def test_head_that_differs_in_its_token_alone_is_refused(server: Server) -> None:
    """A head known by heart lets in nobody but who sent it."""
    good = raw_http.request("GET", "/tasks", TOKEN)
    bad = good.replace(TOKEN.encode(), TOKEN[::-1].encode())
    for request, status in ((good, 200), (good, 200), (bad, 401), (bad, 401), (good, 200)):
        answer = raw_http.exchange(server.url, request)
        assert answer is not None
        assert answer.status == status


def test_answer_comes_in_one_packet(server: Server) -> None:
    """Head and body of a short answer are sent together, so that its reader wakes once."""
    with raw_http.connect(server.url) as connection:
        for _ in range(5):
            connection.sendall(submit("true"))
            packet = connection.recv(65536)
            assert json.loads(packet.partition(b"\r\n\r\n")[2])["taskId"]


def test_large_answer_to_a_slow_reader_comes_whole(server: Server) -> None:
    """What does not fit into the socket is sent as its reader goes on, and others are served meanwhile."""
    content = "0123456789abcdef" * (3 * MIB // 16)
    written = requests.post(
        f"{server.url}/files/write",
        json={"path": "/tmp/large", "content": content},
        headers={"Authorization": f"Bearer {TOKEN}"},
        timeout=10,
    )
    path = f"/tasks/{written.json()['taskId']}/detail"
    with raw_http.connect(server.url) as connection:
        connection.sendall(raw_http.request("GET", path, TOKEN))
        connection.sendall(submit("echo behind"))
        assert requests.get(f"{server.url}/health", timeout=5).ok
        first = raw_http.receive(connection)
        second = raw_http.receive(connection)
    assert first is not None
    assert first.json()["task"]["payload"]["content"] == content
    assert second is not None
    assert second.json()["taskId"]


def test_connection_is_served_right_after_another_took_its_number(server: Server) -> None:
    """Connections come and go with the same descriptors, and each is answered at once."""
    began = time.monotonic()
    for number in range(150):
        with raw_http.connect(server.url) as kept, raw_http.connect(server.url) as short:
            short.sendall(raw_http.request("GET", "/health", TOKEN))
            if number % 2:
                short.close()
            else:
                assert raw_http.receive(short) is not None
            kept.sendall(submit("true"))
            assert raw_http.receive(kept) is not None
    assert time.monotonic() - began < 30  # a connection that is overlooked is seen a second later
