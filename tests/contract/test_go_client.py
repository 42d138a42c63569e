"""A client that is not ours follows the log: Go's code for transparency logs, from its authors."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import requests

from app.storage import key_file
from clawtrail import Task
from tests.support import cast
from tests.support.database import Database
from tests.support.patience import until
from tests.support.processes import REPOSITORY, Server, start_server

SOURCES = Path("/usr/share/gocode")
"""Where Debian's golang-golang-x-mod-dev has its sources."""

PROGRAM = REPOSITORY / "examples" / "follow-log" / "main.go"


@pytest.fixture(scope="module")
def follow_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, compiled; without Go and golang.org/x/mod on this machine there is nothing to try."""
    if shutil.which("go") is None or not (SOURCES / "src/golang.org/x/mod/sumdb/tlog").is_dir():
        pytest.skip("needs Debian's golang-go and golang-golang-x-mod-dev")
    folder = tmp_path_factory.mktemp("go")
    built = folder / "follow-log"
    environ = os.environ | {"GO111MODULE": "off", "GOPATH": str(SOURCES), "GOCACHE": str(folder / "cache")}
    subprocess.run(["go", "build", "-o", str(built), str(PROGRAM)], env=environ, check=True, timeout=300)
    return built


def follow(program: Path, server: Server, data: Path, state: Path) -> subprocess.CompletedProcess[str]:
    """Follow the log as Odo, the auditor, does."""
    key = str(key_file.load(data / "clawtrail.key").verifier)
    environ = {"CLAWTRAIL_TOKEN": str(cast.ODO.token)}
    command = [str(program), server.url, key, str(state)]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)


def grow(server: Server, count: int) -> None:
    """Submit so many tasks, and wait until a checkpoint covers them."""
    before = signed(server)
    with server.client(cast.ADA.token) as client:
        client.submit_many([Task.make("true", None)] * count)
    until(lambda: signed(server) >= before + count)


def signed(server: Server) -> int:
    """Return how many events the newest checkpoint covers."""
    told = requests.get(f"{server.url}/log/checkpoint", headers=cast.ADA.headers, timeout=10).text
    return int(told.split("\n")[1])


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with a database in which the cast has its tokens."""
    folder = tmp_path / "data"
    folder.mkdir()
    db = Database(folder)
    db.write(lambda conn: cast.hire(conn, now=db.now))
    db.close()
    return folder


def test_go_follows_the_log(follow_log: Path, data: Path, tmp_path: Path) -> None:
    """Go's tlog and note take the checkpoint, all tiles and entries, and the growth between two looks."""
    state = tmp_path / "seen"
    with start_server(data) as server:
        grow(server, 700)
        first = signed(server)
        looked = follow(follow_log, server, data, state)
        assert looked.returncode == 0, looked.stderr
        assert f"{first} events, each in the signed tree" in looked.stdout
        grow(server, 300)
    with start_server(data) as server:
        looked = follow(follow_log, server, data, state)
        assert looked.returncode == 0, looked.stderr
        assert f"the {first} events seen before are as they were" in looked.stdout


def test_go_notices_another_past(follow_log: Path, data: Path, tmp_path: Path) -> None:
    """When the whole past was written anew and signed again, Go says that it is not what it saw."""
    state, copy = tmp_path / "seen", tmp_path / "copy"
    shutil.copytree(data, copy)
    key_file.ensure(data / "clawtrail.key", origin=None)
    shutil.copy(data / "clawtrail.key", copy / "clawtrail.key")
    for folder, task in ((data, "true"), (copy, "false")):
        with start_server(folder) as server, server.client(cast.ADA.token) as client:
            client.submit(task)
    with start_server(data) as server:
        assert follow(follow_log, server, data, state).returncode == 0
    with start_server(copy) as server:
        grow(server, 20)
        looked = follow(follow_log, server, copy, state)
    assert looked.returncode == 1
    assert "does not begin with the one" in looked.stderr


def test_go_notices_an_altered_entry(follow_log: Path, data: Path, tmp_path: Path) -> None:
    """An event that was changed in the database is served changed, and Go says which one it is."""
    with start_server(data):
        pass
    statement = "DROP TRIGGER events_no_update; UPDATE events SET actor = 'client:ben' WHERE seq = 3"
    subprocess.run(["sqlite3", str(data / "clawtrail.db"), statement], check=True)
    with start_server(data) as server:
        looked = follow(follow_log, server, data, tmp_path / "seen")
    assert looked.returncode == 1
    assert "entry 3" in looked.stderr
