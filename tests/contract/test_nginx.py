"""Server and worker behind the real nginx, with the example configuration that we ship."""

import socket
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from benchmarks.processes import free_port
from clawtrail import Client
from tests.support.nginx import start_nginx
from tests.support.patience import until
from tests.support.processes import TOKEN, Server, start_server, start_worker

AUTH = {"Authorization": f"Bearer {TOKEN}"}
PAST_THE_DEFAULT = 61.5  # nginx gives an upstream 60 s to answer, unless told otherwise


@dataclass
class Behind:
    """A server with its worker, both reached through nginx at *url*."""

    url: str
    server: Server
    long_wait: Future[requests.Response]

    def client(self) -> Client:
        """A client that comes through nginx."""
        return Client(self.url, TOKEN)

    def parked_workers(self) -> int:
        """How many workers the server holds parked, by its own count."""
        text = requests.get(f"{self.server.url}/metrics", timeout=10).text
        line = next(line for line in text.splitlines() if line.startswith('clawtrail_parked{of="workers"}'))
        return int(float(line.rpartition(" ")[2]))


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    """All three processes; the wait of more than a minute begins here, beside the other tests."""
    folder = tmp_path_factory.mktemp("behind")
    wait_port = free_port()
    with ExitStack() as stack:
        server = stack.enter_context(
            start_server(folder / "data", "--wait-port", str(wait_port), trusted_proxy="127.0.0.1")
        )
        url = stack.enter_context(
            start_nginx(folder / "nginx", port=int(urlsplit(server.url).port or 0), wait_port=wait_port)
        )
        stack.enter_context(start_worker(server, folder / "worker", url=url, name="wim"))
        aside = stack.enter_context(ThreadPoolExecutor(1))
        yield Behind(url, server, aside.submit(_sleep_for_long, url))


def _sleep_for_long(url: str) -> requests.Response:
    asked = {"argv": ["sleep", str(PAST_THE_DEFAULT)], "timeout": 90_000}
    submitted = requests.post(f"{url}/tasks", json=asked, headers=AUTH, timeout=10).json()
    return requests.get(f"{url}/tasks/{submitted['taskId']}?wait=300000", headers=AUTH, timeout=120)


def _sync(url: str, worker: str, *, wait: int) -> dict[str, Any]:
    asked = {
        "workerId": worker,
        "session": f"session-of-{worker}",
        "kinds": ["command"],
        "labels": ["crowd=yes"],
        "version": "1",
        "free": 1,
        "wait": wait,
    }
    answer = requests.post(f"{url}/worker/sync", json=asked, headers=AUTH, timeout=60)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_tasks_run_through_it(behind: Behind) -> None:
    """Commands and files go all the way through the proxy, and come back to the byte."""
    content = bytes(range(256)) * 8
    with behind.client() as ada:
        assert ada.run("echo out; echo err >&2; exit 3").exit_code == 3
        path = str(behind.server.log.parent / "written")
        ada.write_file(path, content)
        assert ada.read_file(path) == content


def test_output_comes_while_the_task_runs(behind: Behind) -> None:
    """The first bytes of a stream are there before the task ends: nginx keeps none back."""
    go = behind.server.log.parent / "go on"
    with behind.client() as ada:
        task = ada.submit(f'echo first; until [ -e "{go}" ]; do :; done; echo second')
        chunks = ada.output(task.task_id, stream="stdout")
        assert next(chunks).data == b"first\n"
        go.touch()
        assert b"".join(chunk.data for chunk in chunks) == b"second\n"


def test_caller_cannot_claim_an_address_or_a_request_id(behind: Behind) -> None:
    """What a caller writes into the proxy's headers does not reach the server."""
    forged = {
        "X-Forwarded-For": "198.51.100.7",
        "Forwarded": "for=198.51.100.7",
        "X-Request-Id": "forged-by-ada",
    }
    answer = requests.get(f"{behind.url}/tasks/stats", headers=AUTH | forged, timeout=10)
    assert answer.status_code == 200, answer.text
    request_id = answer.headers["X-Request-Id"]
    (line,) = until(lambda: [said for said in behind.server.logs().splitlines() if request_id in said])
    assert "from=127.0.0.1" in line
    assert "forged-by-ada" not in behind.server.logs()


def test_large_body_is_refused_in_json(behind: Behind) -> None:
    """A body above 5 MiB gets 413 with the same code as from the server itself."""
    answer = requests.post(f"{behind.url}/tasks", data=b" " * (5 * 2**20 + 1), headers=AUTH, timeout=10)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_fifty_parked_polls(behind: Behind) -> None:
    """Fifty workers are parked through the proxy; others are served meanwhile, and each gets one task."""
    with ThreadPoolExecutor(50) as crowd, behind.client() as ada:
        syncs = [crowd.submit(_sync, behind.url, f"crowd-{number}", wait=25_000) for number in range(50)]
        until(lambda: behind.parked_workers() >= 50, within=20)
        assert ada.run(argv=["true"]).ok
        submitted = {ada.submit("true", labels=["crowd=yes"]).task_id for _ in range(50)}
        claims = [claim["taskId"] for sync in syncs for claim in sync.result(30)["tasks"]]
    assert sorted(claims) == sorted(submitted)


def test_caller_that_hangs_up_gets_no_task(behind: Behind) -> None:
    """A parked worker whose connection breaks before the proxy is unparked, so it claims nothing."""
    until(lambda: behind.parked_workers() == 1)  # Wim, and nobody else
    body = b'{"workerId":"gone","session":"s","kinds":["elsewhere"],"version":"1","free":1,"wait":25000}'
    head = f"POST /worker/sync HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", int(urlsplit(behind.url).port or 0))) as connection:
        connection.sendall(head.encode() + body)
        until(lambda: behind.parked_workers() == 2)
    until(lambda: behind.parked_workers() <= 1, within=15)


def test_refusals_pass_the_poll_rule(behind: Behind) -> None:
    """On the old poll, 401 stays 401: only a dead server looks like an empty queue."""
    assert requests.get(f"{behind.url}/worker/poll?wait=0", timeout=10).status_code == 401


def test_old_worker_sees_an_empty_queue_when_the_server_is_down(tmp_path: Path) -> None:
    """Without a server the old poll answers 200 `null`; everything else says in JSON that it is down."""
    with start_nginx(tmp_path / "nginx", port=free_port(), wait_port=free_port()) as url:
        poll = requests.get(f"{url}/worker/poll?wait=30000", headers=AUTH, timeout=10)
        assert (poll.status_code, poll.json()) == (200, None)
        assert poll.headers["Content-Type"] == "application/json"
        other = requests.get(f"{url}/tasks/stats", headers=AUTH, timeout=10)
        assert (other.status_code, other.json()["code"]) == (502, "server_unreachable")


def test_old_poll_survives_a_restart(tmp_path: Path) -> None:
    """An old worker that polls while the server stops and starts hears only tasks and `null`."""
    wait_port = free_port()
    with (
        start_server(tmp_path / "data", "--wait-port", str(wait_port)) as server,
        start_nginx(tmp_path / "nginx", port=int(urlsplit(server.url).port or 0), wait_port=wait_port) as url,
        ThreadPoolExecutor(1) as aside,
    ):
        over = Event()
        poller = aside.submit(_poll_until, url, over)
        server.stop()
        server.restart()
        with server.client() as ada:
            ada.submit("true", tags=["after the restart"])
        answers = poller.result(30)
    assert {status for status, _ in answers} == {200}
    assert answers[-1][1]["command"] == "true"


def _poll_until(url: str, over: Event) -> list[tuple[int, Any]]:
    """Poll as an old worker does until there is a task; return every answer."""
    answers: list[tuple[int, Any]] = []
    while not over.wait(0.02) and not (answers and answers[-1][1]):
        answer = requests.get(f"{url}/worker/poll?wait=1000", headers=AUTH, timeout=10)
        answers.append((answer.status_code, answer.json()))
    return answers


def test_wait_beyond_the_default_of_the_proxy(behind: Behind) -> None:
    """One request is held for more than 60 seconds and then brings the result."""
    answer = behind.long_wait.result(120)
    assert answer.status_code == 200
    assert answer.json()["exitCode"] == 0
    assert answer.elapsed.total_seconds() > 60
