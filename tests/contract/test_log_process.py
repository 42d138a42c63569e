"""The log of a real server: signed through kills and restarts, and proven outside of the server."""

from __future__ import annotations

import subprocess
from base64 import b64decode
from pathlib import Path

import pytest
import requests

from clawtrail.formats import merkle
from clawtrail.formats.checkpoints import Checkpoint, open_checkpoint
from clawtrail.formats.notes import Verifier
from tests.support.patience import until
from tests.support.processes import Server, start_server, start_worker
from tests.support.typing_commands import clawtrail


def key_of(data: Path) -> Verifier:
    """Return the verifier key as its owner learns it."""
    ran = clawtrail("audit", "key", "--data", str(data))
    assert ran.returncode == 0, ran.stderr
    return Verifier.parse(ran.stdout.removesuffix("\n"))


def get(server: Server, path: str) -> requests.Response:
    """Ask for something of the log."""
    headers = {"Authorization": f"Bearer {server.token}"}
    return requests.get(f"{server.url}/log/{path}", headers=headers, timeout=10)


def checkpoint(server: Server, key: Verifier) -> Checkpoint:
    """Return the newest checkpoint, if the key vouches for it."""
    return open_checkpoint(get(server, "checkpoint").content, key)


def assert_grew(server: Server, old: Checkpoint, new: Checkpoint) -> None:
    """Check that the server proves the record of *new* to begin with the record of *old*."""
    told = get(server, f"proof/consistency?from={old.size}&to={new.size}").json()
    proof = [b64decode(one) for one in told["hashes"]]
    merkle.verify_consistency(old.size, new.size, proof, old.root, new.root)


def await_growth(server: Server, key: Verifier, before: Checkpoint) -> Checkpoint:
    """Return the first checkpoint that is larger than *before*."""
    until(lambda: checkpoint(server, key).size > before.size)
    return checkpoint(server, key)


def test_the_record_only_grows_through_kills(tmp_path: Path) -> None:
    """A checkpoint from before a kill and one from after it are consistent, with nothing lost."""
    data = tmp_path / "data"
    with start_server(data) as server, server.client() as client:
        key = key_of(data)
        assert str(key) == get(server, "key").text.removesuffix("\n")
        for _ in range(3):
            before = checkpoint(server, key)
            tasks = [client.submit("true").task_id for _ in range(30)]
            old = await_growth(server, key, before)
            client.submit("true")
            server.kill()
            server.restart()
            new = checkpoint(server, key)
            assert new.size > old.size
            assert_grew(server, before, old)
            assert_grew(server, old, new)
            assert client.get(tasks[-1]).task_id == tasks[-1]


def test_the_last_event_is_signed(tmp_path: Path) -> None:
    """After a clean stop the newest checkpoint covers the very last event, as plain sqlite3 can see."""
    data = tmp_path / "data"
    with start_server(data) as server, server.client() as client:
        client.submit("true")
    query = "SELECT type, seq = (SELECT max(size) - 1 FROM checkpoints) FROM events ORDER BY seq DESC LIMIT 1"
    command = ["sqlite3", str(data / "clawtrail.db"), query]
    looked = subprocess.run(command, capture_output=True, text=True, check=True)
    assert looked.stdout == "server.stopped|1\n"


def test_a_receipt_goes_the_whole_way(tmp_path: Path) -> None:
    """A task that really ran has a receipt that `clawtrail verify` takes, and one changed byte spoils."""
    data, kept = tmp_path / "data", tmp_path / "receipt.txt"
    with start_server(data) as server, start_worker(server, tmp_path / "state"), server.client() as client:
        task_id = client.run("echo proven").task_id
        settings = {"CLAWTRAIL_URL": server.url, "CLAWTRAIL_TOKEN": server.token}
        ran = clawtrail("receipt", task_id, "-o", str(kept), **settings)
        assert ran.returncode == 0, ran.stderr
        key = str(key_of(data))
    checked = clawtrail("verify", str(kept), "--key", key)
    assert checked.returncode == 0, checked.stderr
    assert "echo proven" in checked.stdout
    kept.write_bytes(kept.read_bytes().replace(b"echo proven", b"echo proves"))
    checked = clawtrail("verify", str(kept), "--key", key)
    assert checked.returncode == 1


def test_a_server_with_an_open_key_does_not_start(tmp_path: Path) -> None:
    """A key file that others may read is a reason not to start, said in a sentence."""
    data = tmp_path / "data"
    with start_server(data):
        pass
    (data / "clawtrail.key").chmod(0o644)
    ran = clawtrail("serve", "--data", str(data), "--port", "0")
    assert ran.returncode == 2
    assert "chmod 600" in ran.stderr


@pytest.mark.parametrize("accept", [False, True])
def test_a_record_that_was_changed_is_not_served(tmp_path: Path, accept: bool) -> None:  # noqa: FBT001 - a parameter of pytest's
    """Whoever changes a signed event in the file has the next start refused, unless told to go on."""
    data = tmp_path / "data"
    with start_server(data):
        pass
    statement = "DROP TRIGGER events_no_update; UPDATE events SET leaf = zeroblob(32) WHERE seq = 0"
    subprocess.run(["sqlite3", str(data / "clawtrail.db"), statement], check=True)
    if not accept:
        ran = clawtrail("serve", "--data", str(data), "--port", "0")
        assert ran.returncode == 2
        assert "clawtrail audit verify" in ran.stderr
        return
    with start_server(data, accept_contradiction="true") as server, server.client() as client:
        assert client.stats().total == 0
    with start_server(data):
        pass


def test_without_a_key_there_is_a_sentence(tmp_path: Path) -> None:
    """`audit key` on a database that no server has run on yet says what is missing."""
    assert clawtrail("migrate", "--data", str(tmp_path)).returncode == 0
    ran = clawtrail("audit", "key", "--data", str(tmp_path))
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "first start" in ran.stderr
