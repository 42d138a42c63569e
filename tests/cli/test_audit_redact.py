"""`clawtrail audit redact` beside a real service: what it removes, what it says, how it gives up."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from clawtrail import Client, Task
from clawtrail.errors import ClawtrailError
from tests.support.processes import Server, start_server, start_worker
from tests.support.typing_commands import Typed, type_

LARGE = 3 * 1024 * 1024
MARKERS = ("in-command", "in-environment", "in-stdin", "in-stdout", "in-stderr")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server and its worker, at work."""
    folder = tmp_path_factory.mktemp("service")
    with start_server(folder / "data") as server, start_worker(server, folder / "wim"):
        yield server


@pytest.fixture
def client(service: Server) -> Iterator[Client]:
    """A client of that server."""
    with service.client() as client:
        yield client


def redact(service: Server, *arguments: str) -> Typed:
    """Run `clawtrail audit redact ARGUMENTS` beside the server."""
    return type_(database(service).parent, "audit", "redact", *arguments)


def database(service: Server) -> Path:
    """Return the server's database file."""
    return Path(service.environ["CLAWTRAIL_DATA"]) / "clawtrail.db"


def files(service: Server) -> bytes:
    """Return all that is in the files of the server's data folder."""
    return b"".join(path.read_bytes() for path in database(service).parent.iterdir() if path.is_file())


@contextmanager
def a_look(service: Server) -> Iterator[sqlite3.Connection]:
    """Look into the database with the standard library."""
    conn = sqlite3.connect(f"file:{database(service)}?mode=ro", uri=True)
    yield conn
    conn.close()


def test_nothing_of_a_task_is_left_in_the_files(service: Server, client: Client) -> None:
    """Command, environment, stdin, and both streams are in no file, while the server runs."""
    words = {name: f"{name}-swordfish-{'x' * 20}" for name in MARKERS}
    script = f"cat >/dev/null; echo {words['in-stdout']}; echo {words['in-stderr']} >&2; sleep 9 # in-command"
    task = Task.make(
        script.replace("# in-command", f"# {words['in-command']}"),
        env={"SECRET": words["in-environment"]},
        stdin=words["in-stdin"],
        timeout=1.0,
    )
    done = client.run_task(task)
    assert words["in-stdout"] in done.stdout
    assert all(word.encode() in files(service) for word in words.values())
    ran = redact(service, done.task_id, "--reason", "a password")
    assert (ran.status, ran.err) == (0, "")
    assert ran.text == f"{done.task_id}: payload and output taken out for good\n"
    assert not any(word.encode() in files(service) for word in words.values())


def test_large_contents_go_as_small_ones_do(service: Server, client: Client, tmp_path: Path) -> None:
    """A file of 3 MB, written, read, edited and printed, leaves no line of itself in any file."""
    lines = [f"line {number:06d} of the large secret\n" for number in range(LARGE // 32)]
    path = str(tmp_path / "large.txt")
    ids = [client.write_file(path, "".join(lines)).task_id]
    ids.append(client.edit_file(path, lines[7], "line 7 of another secret\n").task_id)
    ids.append(client.run_task(Task.file_read(path)).task_id)
    ids.append(client.run(f"cat {path}").task_id)
    # It is there three times; a page may end within a line, and the log may hold some of it again.
    assert files(service).count(b"of the large secret") > 2 * len(lines)
    for task_id in ids:
        assert redact(service, task_id, "--reason", "a large secret").status == 0
    assert not any(words in files(service) for words in (b"of the large secret", b"another secret"))
    with a_look(service) as conn:
        assert conn.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_the_service_goes_on_and_says_redacted(service: Server, client: Client) -> None:
    """Its result is empty, its summary says so, it cannot be repeated, and its receipt says who and why."""
    done = client.run("echo hello; exit 3")
    redact(service, done.task_id, "--reason", "a password")
    again = client.wait(done.task_id)
    assert (again.stdout, again.stderr, again.exit_code) == ("", "", 3)
    assert client.show(done.task_id).summary.summary == "(redacted)"
    with pytest.raises(ClawtrailError, match="redacted"):
        client.rerun(done.task_id)
    assert [event.type for event in client.history(done.task_id)][-1] == "content.redacted"
    assert "content.redacted" in client.receipt(done.task_id)
    assert "echo hello" not in client.receipt(done.task_id)
    assert client.run("echo still here").stdout == "still here\n"
    assert type_(database(service).parent, "audit", "verify").status == 0


def test_only_what_was_asked_for_goes(service: Server, client: Client) -> None:
    """--output leaves the payload, and a second command takes the rest and says what had gone before."""
    done = client.run("echo hello")
    short = done.task_id[-12:]
    assert redact(service, short, "--output", "--reason", "x").text.endswith(": output taken out for good\n")
    assert client.show(done.task_id).summary.summary == "echo hello"
    ran = redact(service, done.task_id, "--reason", "x")
    assert ran.text.splitlines() == [
        f"{done.task_id}: payload taken out for good",
        f"{done.task_id}: output had been taken out before",
    ]
    ran = redact(service, done.task_id, "--reason", "x")
    assert (ran.status, ran.text) == (
        0,
        f"{done.task_id}: payload and output had been taken out before\n",
    )


def test_reruns_are_named(service: Server, client: Client) -> None:
    """Whoever redacts a task that was repeated hears where its content still is."""
    first = client.run("echo twice").task_id
    second = client.rerun(first).task_id
    client.wait(second, timeout=30)
    assert second in redact(service, first, "--reason", "x").text


def test_refusals_are_a_sentence(service: Server, client: Client) -> None:
    """A task that has not ended, an unknown one, the last one, and no reason are refused with 2."""
    waiting = client.submit("true", labels=["gpu=1"]).task_id
    for arguments, said in (
        ((waiting, "--reason", "x"), "is pending"),
        (("ffffffff", "--reason", "x"), "no task"),
        (("last", "--reason", "x"), "give its id"),
        ((waiting,), "--reason"),
    ):
        ran = redact(service, *arguments)
        assert (ran.status, ran.out) == (2, b"")
        assert said in ran.err
    client.cancel(waiting)


def test_a_reader_that_stays_is_told_of(service: Server, client: Client) -> None:
    """While somebody reads, the content is gone from the tables, and the exit status is 3; later it is 0."""
    task_id = client.run("echo in-the-log").task_id
    with a_look(service) as conn:
        conn.execute("BEGIN")
        assert conn.execute("SELECT count(*) FROM tasks").fetchone()
        ran = redact(service, task_id, "--reason", "x")
        assert ran.status == 3
        assert "same command again" in ran.err
        assert client.show(task_id).summary.summary == "(redacted)"
    assert redact(service, task_id, "--reason", "x").status == 0
    assert b"in-the-log" not in files(service)


def test_json_of_the_record_says_so(service: Server, client: Client) -> None:
    """`audit log` shows the redaction with its reason, and (redacted) where the command stood."""
    task_id = client.run("echo hello").task_id
    redact(service, task_id, "--reason", "a password")
    shown = type_(database(service).parent, "audit", "log", "--json", "--task", task_id)
    told = [json.loads(line) for line in shown.out.splitlines()]
    assert {event["summary"] for event in told} == {"(redacted)"}
    assert told[-1]["detail"]["reason"] == "a password"
