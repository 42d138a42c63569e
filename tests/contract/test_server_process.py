"""The server as a process: how it starts, how it ends, and what it does for many at once."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from benchmarks.processes import free_port
from tests.support.database import Database
from tests.support.patience import until
from tests.support.processes import TOKEN, Server, start_server
from tests.support.typing_commands import clawtrail

AUTH = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for the tests that do not end it."""
    with start_server(tmp_path_factory.mktemp("shared") / "data", rate_limit="none") as running:
        yield running


def data_of(server: Server) -> str:
    """Return the data folder of *server*."""
    return server.environ["CLAWTRAIL_DATA"]


def sync(server: Server, *, token: str = TOKEN, worker: str = "wim", wait: int = 20_000) -> requests.Response:
    """Send a worker's sync and return its answer."""
    body = {"workerId": worker, "session": worker, "kinds": ["command"], "free": 1, "wait": wait}
    headers = {"Authorization": f"Bearer {token}"}
    return requests.post(f"{server.url}/worker/sync", json=body, headers=headers, timeout=30)


def parked(server: Server) -> int:
    """Return how many waits the server holds, as its metrics say."""
    lines = requests.get(f"{server.url}/metrics", headers=AUTH, timeout=10).text
    found = re.search(r"^clawtrail_waits_admitted (\d+)", lines, re.MULTILINE)
    assert found, lines
    return int(found[1])


def submit(server: Server, **more: object) -> str:
    """Submit a command and return its task's id."""
    answer = requests.post(f"{server.url}/tasks", json={"command": "true", **more}, headers=AUTH, timeout=20)
    assert answer.ok, answer.text
    return str(answer.json()["taskId"])


def test_sigterm_answers_who_waits_and_exits_with_0(tmp_path: Path) -> None:
    """Parked polls and result waits are answered at SIGTERM, long before their time; the record ends well."""
    with start_server(tmp_path / "data") as server, ThreadPoolExecutor(24) as pool:
        task_id = submit(server, notBefore=4_000_000_000_000)
        polls = [pool.submit(sync, server, worker=f"w{n}") for n in range(20)]
        result = f"{server.url}/tasks/{task_id}?wait=60000"
        waits = [pool.submit(requests.get, result, headers=AUTH, timeout=30) for _ in range(4)]
        until(lambda: parked(server) == 24)
        began = time.monotonic()
        assert server.stop(within=20) == 0
        assert time.monotonic() - began < 15
        assert [(poll.result().status_code, poll.result().json()["tasks"]) for poll in polls] == [
            (200, [])
        ] * 20
        assert [wait.result().json()["state"] for wait in waits] == ["pending"] * 4
    db = Database(tmp_path / "data")
    assert db.events()[-1].type == "server.stopped"
    assert db.faults() == []
    db.let_go()


def test_a_second_server_on_the_same_file_is_refused(shared: Server) -> None:
    """It says so in one sentence and exits with 2; the first goes on."""
    second = clawtrail("serve", "--data", data_of(shared), "--port", str(free_port()), WORKER_TOKEN=TOKEN)
    assert second.returncode == 2
    assert "already runs on" in second.stderr
    assert "Traceback" not in second.stderr
    assert requests.get(f"{shared.url}/health", timeout=5).ok


def test_all_faults_of_the_settings_are_told_at_once(tmp_path: Path) -> None:
    """A weak token, a wrong port and an unreadable file are listed together; exit 2, no secret shown."""
    refused = clawtrail(
        "serve",
        "--data",
        str(tmp_path),
        WORKER_TOKEN="change-me",
        CLAWTRAIL_PORT="70000",
        CLAWTRAIL_LOG_FORMAT="xml",
        CLAWTRAIL_DATABASE_URL_FILE=str(tmp_path / "missing"),
    )
    assert refused.returncode == 2
    for name in (
        "WORKER_TOKEN",
        "CLAWTRAIL_PORT",
        "CLAWTRAIL_LOG_FORMAT",
        "CLAWTRAIL_DATABASE_URL_FILE",
    ):
        assert name in refused.stderr
    assert "change-me" not in refused.stderr
    assert not (tmp_path / "clawtrail.db").exists()


def test_a_port_that_is_taken_is_said_in_a_sentence(tmp_path: Path, shared: Server) -> None:
    """Exit 2 and a hint, not a traceback."""
    port = shared.url.rsplit(":", 1)[1]
    refused = clawtrail("serve", "--data", str(tmp_path), "--port", port, WORKER_TOKEN=TOKEN)
    assert refused.returncode == 2
    assert f"Cannot listen on 127.0.0.1:{port}" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_tokens_made_and_revoked_beside_a_running_server_count_soon(shared: Server) -> None:
    """``token new`` lets in, ``token revoke`` turns away and ends the open poll, ``list`` shows no secret."""
    options = ("--data", data_of(shared))
    made = clawtrail("token", "new", "--role", "worker", "--name", "wes", *options)
    token = made.stdout.strip()
    assert token.startswith("ctw_")
    until(lambda: sync(shared, token=token, worker="wes", wait=0).ok, within=5, every=0.05)
    with ThreadPoolExecutor(1) as pool:
        before = parked(shared)
        poll = pool.submit(sync, shared, token=token, worker="wes")
        until(lambda: parked(shared) == before + 1)
        assert clawtrail("token", "revoke", "wes", *options).returncode == 0
        assert poll.result(timeout=10).json()["tasks"] == []
    assert sync(shared, token=token, worker="wes", wait=0).status_code == 401
    listed = clawtrail("token", "list", "--json", *options)
    states = {row["name"]: row["state"] for row in map(json.loads, listed.stdout.splitlines())}
    assert states["wes"] == "revoked"
    assert token not in listed.stdout + shared.logs()
    again = clawtrail("token", "revoke", "wes", *options)
    assert (again.returncode, again.stderr.strip()) == (2, "No valid token has this name.")


def test_idle_connections_do_not_hinder_others(shared: Server) -> None:
    """With two hundred connections that say nothing, others are served as before."""
    port = int(shared.url.rsplit(":", 1)[1])
    with ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
        began = time.monotonic()
        for _ in range(20):
            submit(shared, notBefore=4_000_000_000_000)
        assert time.monotonic() - began < 10


def test_a_client_that_hangs_up_while_parked_wins_no_task(tmp_path: Path) -> None:
    """The poll of a dead connection takes nothing: the task goes to the worker that is still there."""
    with start_server(tmp_path / "data") as server, ThreadPoolExecutor(1) as pool:
        hung_up = hang(server, "gone")
        until(lambda: parked(server) == 1)
        living = pool.submit(sync, server, worker="here")
        until(lambda: parked(server) == 2)
        hung_up.close()
        task_id = submit(server)
        assert [task["taskId"] for task in living.result(10).json()["tasks"]] == [task_id]
        events = requests.get(f"{server.url}/tasks/{task_id}/events", headers=AUTH, timeout=10).json()[
            "events"
        ]
        claims = [event["actor"] for event in events if event["type"] == "task.claimed"]
        assert claims == ["worker:shared/here"]


def hang(server: Server, worker: str) -> socket.socket:
    """Send a sync over a bare connection, to be hung up without reading the answer."""
    body = {"workerId": worker, "session": "s", "kinds": ["command"], "free": 1, "wait": 20_000}
    text = json.dumps(body)
    head = f"POST /worker/sync HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
    connection = connect(server)
    connection.sendall((head + text).encode())
    return connection


def connect(server: Server) -> socket.socket:
    """Open a bare connection."""
    return socket.create_connection(("127.0.0.1", int(server.url.rsplit(":", 1)[1])), timeout=20)


def test_parked_requests_keep_no_threads(tmp_path: Path) -> None:
    """Sixty parked polls and sixty result waits are held by no more threads than serve ten requests."""
    with start_server(tmp_path / "data", rate_limit="none") as server, ExitStack() as stack:
        task_id = submit(server, notBefore=4_000_000_000_000)
        polls = [stack.enter_context(hang(server, f"w{number}")) for number in range(60)]
        asking = (
            f"GET /tasks/{task_id}?wait=20000 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
        )
        waits = [stack.enter_context(connect(server)) for _ in range(60)]
        for one in waits:
            one.sendall(asking.encode())
        until(lambda: parked(server) == 120)
        assert len(list(Path(f"/proc/{server.process.pid}/task").iterdir())) < 20
        requests.post(f"{server.url}/tasks/{task_id}/cancel", json={}, headers=AUTH, timeout=10)
        assert all(b"cancelled" in one.recv(65536) for one in waits)
        assert server.stop() == 0
        assert all(one.recv(65536).startswith(b"HTTP/1.1 200") for one in polls)


def test_a_request_that_was_parked_has_its_line_and_its_id(tmp_path: Path) -> None:
    """What is answered by another thread than began it has its own id in the log, and no other's."""
    with start_server(tmp_path / "data", log_format="json") as server, ThreadPoolExecutor(1) as pool:
        task_id = submit(server, notBefore=4_000_000_000_000)
        headers = AUTH | {"X-Request-Id": "it-was-parked-1"}
        waiting = pool.submit(
            requests.get, f"{server.url}/tasks/{task_id}?wait=20000", headers=headers, timeout=30
        )
        until(lambda: parked(server) == 1)
        requests.post(f"{server.url}/tasks/{task_id}/cancel", json={}, headers=AUTH, timeout=10)
        assert waiting.result(10).headers["X-Request-Id"] == "it-was-parked-1"
        assert server.stop() == 0
        lines = [json.loads(line) for line in server.logs().splitlines() if line.startswith("{")]
        mine = [line for line in lines if line.get("request") == "it-was-parked-1"]
        assert [(line["msg"], line["path"], line["status"]) for line in mine] == [
            ("request", f"/tasks/{task_id}", 200)
        ]


def test_log_lines_carry_the_request_id_and_no_token(tmp_path: Path) -> None:
    """Each request is one line with the id that its answer has; no token and no payload is in it."""
    with start_server(tmp_path / "data", log_format="json") as server:
        secret = "token=hunter2-in-a-command"
        answer = requests.post(f"{server.url}/tasks", json={"command": secret}, headers=AUTH, timeout=10)
        denied = requests.get(
            f"{server.url}/tasks", headers={"Authorization": "Bearer ctc_wrong"}, timeout=10
        )
        chosen = requests.get(f"{server.url}/health", headers={"X-Request-Id": "my-own-id-1"}, timeout=10)
        assert (answer.status_code, denied.status_code) == (200, 401)
        assert chosen.headers["X-Request-Id"] == "my-own-id-1"
        assert server.stop() == 0  # it writes its log a moment after its answers
        lines = [json.loads(line) for line in server.logs().splitlines() if line.startswith("{")]
        by_id = {line["request"]: line for line in lines if line["msg"] == "request"}
        found = by_id[answer.headers["X-Request-Id"]]
        assert (found["method"], found["path"], found["status"], found["who"]) == (
            "POST",
            "/tasks",
            200,
            "shared",
        )
        assert by_id[denied.headers["X-Request-Id"]]["status"] == 401
        assert "my-own-id-1" in by_id
        assert not any(word in server.logs() for word in (TOKEN, "hunter2", "ctc_wrong"))


def test_a_second_port_serves_the_waits(tmp_path: Path) -> None:
    """With ``--wait-port`` both ports serve, and polls parked on the second hear of tasks from the first."""
    port = free_port()
    with (
        start_server(tmp_path / "data", "--wait-port", str(port)) as server,
        ThreadPoolExecutor(1) as pool,
    ):
        waits = Server(server.arguments, server.environ, server.log, url=f"http://127.0.0.1:{port}")
        assert waits.is_ready()
        poll = pool.submit(sync, waits)
        until(lambda: parked(server) == 1)
        task_id = submit(server)
        assert [task["taskId"] for task in poll.result(10).json()["tasks"]] == [task_id]
        assert server.stop() == 0
        assert not waits.is_ready()


def test_a_restart_goes_on_with_what_is_there(tmp_path: Path) -> None:
    """Killed and started again on the same file, the server has every task and numbers the record on."""
    with start_server(tmp_path / "data") as server:
        first = submit(server)
        server.kill()
        server.restart()
        second = submit(server)
        listed = requests.get(f"{server.url}/tasks", headers=AUTH, timeout=10).json()["tasks"]
        assert {task["taskId"] for task in listed} == {first, second}
    db = Database(tmp_path / "data")
    told = [event.type for event in db.events()]
    assert told == ["server.started", "task.submitted", "server.started", "task.submitted", "server.stopped"]
    assert db.faults() == []
    db.let_go()
