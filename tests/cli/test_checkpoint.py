"""`clawtrail checkpoint`: the note for whoever wants it, or both of them and a status of 1."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Type
from tests.support.history import OTHER, SIGNER, History
from tests.support.scripted_server import DROP, Reply, ScriptedServer

REAL = History()


@pytest.fixture(autouse=True)
def _own_state(environ: dict[str, str], tmp_path: Path) -> None:
    environ["XDG_STATE_HOME"] = str(tmp_path / "state")


def test_a_pipe_gets_the_exact_note(server: ScriptedServer, typed: Type) -> None:
    """Standard output is the note and nothing else; what was found stands on standard error."""
    REAL.serve(server, 50, 70, 70)
    ran = typed("checkpoint")
    assert (ran.status, ran.out) == (0, REAL.note(50).encode())
    assert "seen for the first time" in ran.err
    assert str(SIGNER.verifier) in ran.err
    ran = typed("checkpoint")
    assert (ran.status, ran.out) == (0, REAL.note(70).encode())
    assert "grown from 50 events" in ran.err
    assert "as it was the last time" in typed("checkpoint").err


def test_programs_may_have_it_in_json(server: ScriptedServer, typed: Type) -> None:
    """With --json sizes, key and note stand in an object."""
    REAL.serve(server, 50, 70)
    typed("checkpoint")
    assert json.loads(typed("checkpoint", "--json").text) == {
        "good": True,
        "size": 70,
        "before": 50,
        "key": str(SIGNER.verifier),
        "checkpoint": REAL.note(70),
    }


def test_an_alarm_prints_both(server: ScriptedServer, typed: Type) -> None:
    """A record that shrank leaves with 1, again and again; both notes are on standard error in full."""
    REAL.serve(server, 50, 40)
    typed("checkpoint")
    for _ in range(2):
        ran = typed("checkpoint")
        assert (ran.status, ran.out) == (1, b"")
        assert "ALARM: The record shrank from 50 events to 40." in ran.err
        assert REAL.note(50) in ran.err
        assert REAL.note(40) in ran.err
    ran = typed("checkpoint", "--json")
    assert ran.status == 1
    told = json.loads(ran.text)
    assert (told["good"], told["fault"], told["remembered"]) == (False, "shrank", REAL.note(50))
    assert typed("checkpoint", "--accept-record").status == 0
    assert typed("checkpoint").status == 0


def test_a_key_may_be_in_a_file(server: ScriptedServer, typed: Type, tmp_path: Path) -> None:
    """--key takes the key itself or a file with it; another key is an alarm, no key a wrong usage."""
    REAL.serve(server, 50)
    file = tmp_path / "log.key"
    file.write_text(f"{SIGNER.verifier}\n")
    assert typed("checkpoint", "--key", str(file)).status == 0
    assert typed("checkpoint", "--key", str(SIGNER.verifier)).status == 0
    assert typed("checkpoint", "--key", str(OTHER.verifier)).status == 1
    assert typed("checkpoint", "--key", "nonsense").status == 2


def test_a_note_kept_elsewhere_is_held_against_it(
    server: ScriptedServer, typed: Type, tmp_path: Path
) -> None:
    """--file takes a note of this record, and finds another one by it, though nothing is remembered."""
    REAL.serve(server, 50)
    file = tmp_path / "note.txt"
    file.write_text(REAL.note(20))
    assert typed("checkpoint", "--file", str(file)).status == 0
    file.write_text(History(branch="other", fork=5).note(20))
    ran = typed("checkpoint", "--file", str(file), "--accept-record")
    assert ran.status == 1
    assert file.read_text() in ran.err


def test_the_note_is_posted_as_it_is(server: ScriptedServer, typed: Type) -> None:
    """--post sends the note as plain text, without our token."""
    REAL.serve(server, 50)
    server.on("POST", "/notes", Reply(201))
    assert typed("checkpoint", "--post", f"{server.url}/notes").status == 0
    (asked,) = server.asked_for("/notes")
    assert asked.body == REAL.note(50).encode()
    assert asked.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "Authorization" not in asked.headers


@pytest.mark.parametrize(
    ("answer", "status", "word"),
    [
        (Reply(302, headers={"Location": "/elsewhere"}), 76, "HTTP 302"),
        (Reply(500), 76, "HTTP 500"),
        (DROP, 69, "not posted"),
    ],
)
def test_what_is_not_posted_is_told(
    server: ScriptedServer, typed: Type, answer: Reply, status: int, word: str
) -> None:
    """A redirect is not followed, and whatever is not 2xx fails the command."""
    REAL.serve(server, 50)
    server.on("POST", "/notes", answer)
    ran = typed("checkpoint", "--post", f"{server.url}/notes")
    assert (ran.status, word in ran.err) == (status, True)
    assert not server.asked_for("/elsewhere")


def test_an_alarm_is_not_posted(server: ScriptedServer, typed: Type) -> None:
    """A note that does not fit goes nowhere."""
    REAL.serve(server, 50, 40)
    server.on("POST", "/notes", Reply(201))
    typed("checkpoint")
    assert typed("checkpoint", "--post", f"{server.url}/notes").status == 1
    assert not server.asked_for("/notes")


@pytest.mark.parametrize("url", ["notes.example.net", "ftp://notes.example.net/", "http://"])
def test_an_address_is_http(typed: Type, url: str) -> None:
    """What is no http or https address is wrong usage, before anything is asked."""
    assert typed("checkpoint", "--post", url).status == 2
