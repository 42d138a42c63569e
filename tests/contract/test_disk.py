"""A real server whose disk fails: what is answered is kept, what cannot be kept is not answered."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
import requests

from tests.support.database import Database
from tests.support.failing_disk import FailingDisk
from tests.support.processes import Server, start_server


@pytest.fixture
def disk(tmp_path: Path) -> FailingDisk:
    """A disk that works until told otherwise."""
    folder = tmp_path / "faults"
    folder.mkdir()
    return FailingDisk(folder)


@pytest.fixture
def server(tmp_path: Path, disk: FailingDisk) -> Iterator[Server]:
    """A server on the failing disk."""
    with start_server(tmp_path / "data", environ=disk.environ, rate_limit="none") as running:
        yield running


def submit(server: Server, command: str = "true") -> requests.Response:
    """Submit a command and return the plain answer."""
    headers = {"Authorization": f"Bearer {server.token}"}
    return requests.post(f"{server.url}/tasks", json={"command": command}, headers=headers, timeout=20)


def sync(server: Server) -> requests.Response:
    """Register a worker and let it take a task."""
    body = {"workerId": "wim", "session": "s", "kinds": ["command"], "free": 1, "wait": 0}
    headers = {"Authorization": f"Bearer {server.token}"}
    return requests.post(f"{server.url}/worker/sync", json=body, headers=headers, timeout=20)


def state(server: Server, task_id: str) -> str:
    """Return where the server says that a task stands."""
    headers = {"Authorization": f"Bearer {server.token}"}
    answer = requests.get(f"{server.url}/tasks/{task_id}", headers=headers, timeout=20)
    return str(answer.json()["state"])


def kept(data: Path) -> set[str]:
    """Return the ids of all tasks on the disk, after making sure that the record is whole."""
    db = Database(data)
    try:
        assert db.faults() == []
        return {row.task_id for row in db.events() if row.type == "task.submitted"}
    finally:
        db.let_go()


def test_a_failed_sync_is_answered_as_unknown_and_ends_the_server(
    tmp_path: Path, disk: FailingDisk, server: Server
) -> None:
    """One fdatasync fails: 503 outcome_unknown, no more writes, exit 1; the restarted record is whole."""
    good = submit(server).json()["taskId"]
    disk.fail_next_sync()
    bad = submit(server)
    assert disk.sync_has_failed()
    assert (bad.status_code, bad.json()["code"]) == (503, "outcome_unknown")
    assert server.wait(within=40) == 1
    assert "Traceback" not in server.logs()
    assert good in kept(tmp_path / "data")
    server.restart()
    assert submit(server).status_code == 200
    assert state(server, good) == "pending"


def test_after_a_failed_sync_nobody_is_told_that_his_task_was_taken(
    tmp_path: Path, disk: FailingDisk, server: Server
) -> None:
    """Thirty-two clients submit while a sync fails: every task that was answered with an id is there."""
    taken: list[str] = []
    codes: list[str] = []
    failed = Event()

    def work(_number: int) -> None:
        while not failed.is_set():
            try:
                answer = submit(server)
            except requests.ConnectionError:
                return
            if answer.ok:
                taken.append(answer.json()["taskId"])
            else:
                codes.append(answer.json()["code"])
                failed.set()
            if len(taken) == 50:
                disk.fail_next_sync()

    with ThreadPoolExecutor(32) as pool:
        list(pool.map(work, range(32)))
    assert server.wait(within=40) == 1
    assert "outcome_unknown" in codes
    assert set(codes) <= {"outcome_unknown", "storage_failed", "shutting_down"}
    assert len(taken) >= 50
    assert set(taken) <= kept(tmp_path / "data")


def test_a_full_disk_refuses_and_goes_on_when_there_is_room(
    tmp_path: Path, disk: FailingDisk, server: Server
) -> None:
    """While writes find no room: 503 storage_failed and nothing half-written; with room it works on."""
    first = submit(server).json()["taskId"]
    disk.fill()
    refused = [submit(server) for _ in range(3)]
    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(503, "storage_failed")}
    assert all(answer.headers["Retry-After"] for answer in refused)
    assert sync(server).status_code == 503
    assert state(server, first) == "pending"
    disk.make_room()
    second = submit(server).json()["taskId"]
    assert len(sync(server).json()["tasks"]) == 1
    assert server.stop() == 0
    assert kept(tmp_path / "data") == {first, second}


def test_a_killed_server_that_met_a_full_disk_has_kept_what_it_answered(
    tmp_path: Path, disk: FailingDisk, server: Server
) -> None:
    """Killed while the disk is full, the server left no trace of what it refused."""
    first = submit(server).json()["taskId"]
    disk.fill()
    assert submit(server).status_code == 503
    server.kill()
    disk.make_room()
    assert kept(tmp_path / "data") == {first}


def test_a_file_that_may_not_grow_fails_closed(tmp_path: Path) -> None:
    """Under a file size limit (no ENOSPC, but EFBIG) nothing is answered as done that is not on the disk."""
    data = tmp_path / "data"
    with start_server(data, rate_limit="none") as server:
        taken = [submit(server).json()["taskId"]]
        size = (data / "clawtrail.db-wal").stat().st_size + 200_000
        subprocess.run(["prlimit", f"--pid={server.process.pid}", f"--fsize={size}"], check=True)
        answer = submit(server)
        while answer.ok:
            taken.append(answer.json()["taskId"])
            answer = submit(server, "x" * 20_000)
        assert (answer.status_code, answer.json()["code"]) in {
            (503, "outcome_unknown"),
            (503, "storage_failed"),
        }
        if answer.json()["code"] == "outcome_unknown":
            assert server.wait(within=40) == 1
        else:
            server.kill()
    assert set(taken) <= kept(data)


def test_what_was_answered_survives_a_kill(tmp_path: Path) -> None:
    """Killed with SIGKILL right after its answers, the server has every answered task on the disk."""
    data = tmp_path / "data"
    with start_server(data, rate_limit="none") as server, ThreadPoolExecutor(16) as pool:
        taken: list[str] = []

        def work(_number: int) -> None:
            for _ in range(200):
                try:
                    taken.append(submit(server).json()["taskId"])
                except requests.RequestException:
                    return
                if len(taken) == 150:
                    server.process.kill()

        list(pool.map(work, range(16)))
        server.wait(within=40)
        assert 150 <= len(taken) < 3200
        assert set(taken) <= kept(data)
