"""The client as a witness: what it remembers of a record, and when it raises an alarm."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from clawtrail import Client, NotConfigured, RecordAlarm
from clawtrail.remembering import Memory
from clawtrail.witness import memory_of
from tests.support.history import OTHER, SIGNER, History, plain
from tests.support.scripted_server import ScriptedServer

REAL = History()


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def test_the_bare_note_comes_as_it_is(server: ScriptedServer, ada: Client) -> None:
    """`checkpoint` gives the signed note to the last byte, and remembers nothing."""
    REAL.serve(server, 50)
    assert ada.checkpoint() == REAL.note(50)
    assert memory_of(server.url).recall() is None


def test_the_first_time_is_taken_on_trust(server: ScriptedServer, ada: Client, tmp_path: Path) -> None:
    """Key and checkpoint of the first time are remembered, in a file of its owner alone."""
    REAL.serve(server, 50)
    seen = ada.verify_record()
    assert (seen.note, seen.size, seen.key, seen.before) == (REAL.note(50), 50, str(SIGNER.verifier), None)
    file = memory_of(server.url).file
    assert file.parent == tmp_path / "clawtrail"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_growth_is_proven_and_remembered(server: ScriptedServer, ada: Client) -> None:
    """Each time the record has to begin with that of the time before; the key is not asked for again."""
    REAL.serve(server, 50, 70, 70, 90)
    befores = [ada.verify_record().before for _ in range(4)]
    assert befores == [None, 50, 70, 70]
    assert [asked.query for asked in server.asked_for("/log/proof/consistency")] == [
        {"from": "50", "to": "70"},
        {"from": "70", "to": "90"},
    ]
    assert len(server.asked_for("/log/key")) == 1


@pytest.mark.parametrize(
    ("other", "fault"),
    [
        (History(branch="other", fork=10), "forked"),
        (History(signer=OTHER), "key"),
    ],
)
def test_another_record_is_an_alarm(server: ScriptedServer, ada: Client, other: History, fault: str) -> None:
    """The alarm has both notes, and what is remembered stays: the next time it is the same alarm."""
    REAL.serve(server, 50)
    ada.verify_record()
    other.serve(server, 70)
    for _ in range(2):
        with pytest.raises(RecordAlarm) as alarm:
            ada.verify_record()
        said = alarm.value
        assert (said.fault, said.remembered, said.shown) == (fault, REAL.note(50), other.note(70))
        assert REAL.note(50) in said.told
        assert other.note(70) in said.told
    REAL.serve(server, 80)
    assert ada.verify_record().before == 50


def test_a_record_that_shrank_is_an_alarm(server: ScriptedServer, ada: Client) -> None:
    """A smaller record is one; `fresh` takes it on trust from then on."""
    REAL.serve(server, 50, 40)
    ada.verify_record()
    with pytest.raises(RecordAlarm, match="shrank from 50 events to 40"):
        ada.verify_record()
    assert ada.verify_record(fresh=True).before is None
    assert ada.verify_record().before == 40


def test_a_given_key_is_the_one_to_believe(server: ScriptedServer, ada: Client) -> None:
    """A key that was brought along is believed instead of what the server says, also the first time."""
    REAL.serve(server, 50)
    assert ada.verify_record(key=str(SIGNER.verifier)).size == 50
    assert not server.asked_for("/log/key")
    with pytest.raises(RecordAlarm) as alarm:
        ada.verify_record(key=str(OTHER.verifier))
    assert (alarm.value.fault, alarm.value.remembered) == ("key", None)
    with pytest.raises(NotConfigured, match="no verifier key"):
        ada.verify_record(key="nonsense")


def test_a_note_kept_elsewhere_has_to_fit(server: ScriptedServer, ada: Client, tmp_path: Path) -> None:
    """A note of the same record is proven too; one of a fork, of another key and of none are alarms."""
    REAL.serve(server, 50)
    assert ada.verify_record(also=REAL.note(20), folder=tmp_path / "a").size == 50
    wrong = [History(branch="other").note(20), History(signer=OTHER).note(20), REAL.note(60), "a letter\n"]
    for note in wrong:
        with pytest.raises(RecordAlarm) as alarm:
            ada.verify_record(also=note, folder=tmp_path / "b")
        assert (alarm.value.remembered, alarm.value.shown) == (note, REAL.note(50))
    assert Memory(tmp_path / "b", server.url).recall() is None


@pytest.mark.parametrize("content", [b"", b"\xff", b"a\nb\n"])
def test_a_damaged_memory_is_no_first_time(server: ScriptedServer, ada: Client, content: bytes) -> None:
    """What is remembered and cannot be read is told with its place, and left as it is."""
    REAL.serve(server, 50)
    ada.verify_record()
    file = memory_of(server.url).file
    file.write_bytes(content)
    with pytest.raises(NotConfigured, match="record-127"):
        ada.verify_record()
    assert file.read_bytes() == content
    assert ada.verify_record(fresh=True).size == 50


def test_a_memory_that_cannot_be_written_is_told(server: ScriptedServer, ada: Client, tmp_path: Path) -> None:
    """Without a place to remember in, nothing is said to be good."""
    REAL.serve(server, 50)
    (tmp_path / "clawtrail").write_text("in the way")
    with pytest.raises(NotConfigured, match="is of no use"):
        ada.verify_record()


def test_many_at_once_raise_no_alarm(server: ScriptedServer, ada: Client) -> None:
    """Threads and programs that look at the same time take turns, and what is remembered never shrinks."""
    REAL.serve(server, *range(1, 60))
    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(lambda _: ada.verify_record().size, range(40)))
    assert sorted(seen) == list(range(1, 41))
    last = memory_of(server.url).recall()
    assert last is not None
    assert last.size == 40


def test_memories_are_by_address(tmp_path: Path) -> None:
    """Two servers, and two paths of one, are remembered apart; the name of the file shows no password."""
    urls = ["https://a.example", "https://b.example", "https://a.example/x", "https://me:secret@a.example"]
    files = {Memory(tmp_path, url).file for url in urls}
    assert len(files) == 4
    assert not any("secret" in file.name for file in files)


def test_a_page_is_no_checkpoint(server: ScriptedServer, ada: Client) -> None:
    """A text that is no note at all is an alarm once a record is known: it is not signed."""
    REAL.serve(server, 50)
    ada.verify_record()
    server.on("GET", "/log/checkpoint", plain("hello\n"))
    with pytest.raises(RecordAlarm) as alarm:
        ada.verify_record()
    assert alarm.value.fault == "signature"
