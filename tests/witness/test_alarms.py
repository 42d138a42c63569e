"""A record that is not the one seen before: each way is an alarm, and the worker claims nothing more."""

from __future__ import annotations

from pathlib import Path

import pytest

from clawtrail.formats.notes import Signer
from clawtrail.remembering import Memory
from tests.support.patience import until
from tests.support.rewriting import copy_aside, put_back, rewrite_an_event
from tests.witness.conftest import Pair, Start

HALTED = "an alarm stands"


def remembered(pair: Pair) -> str:
    """Return the note that the worker remembers."""
    seen = Memory(pair.state, pair.server.url).recall()
    assert seen is not None
    return seen.note


def accept(pair: Pair) -> str:
    """Accept the record as the worker's owner does, beside the worker; return what is said."""
    ran = pair.clawtrail("worker", "--state", str(pair.state), "--url", pair.server.url, "--accept-record")
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def roll_back(pair: Pair, aside: Path) -> None:
    """Let the record grow, and put an older copy of the database in its place; the server is stopped."""
    pair.server.stop()
    copy_aside(pair.data, aside)
    pair.server.restart()
    for _ in range(3):
        pair.grow()
    pair.server.stop()
    put_back(aside, pair.data)


def test_a_record_that_was_rolled_back(pair: Pair, tmp_path: Path) -> None:
    """An older copy of the file, valid in itself, is noticed; both checkpoints are written down in full."""
    roll_back(pair, tmp_path / "aside")
    kept = remembered(pair)
    pair.server.restart()
    said = pair.alarm()
    assert "The record shrank from" in said
    assert kept in said
    assert remembered(pair) == kept
    (told,) = until(lambda: pair.events("witness.alarmed"), within=20)
    assert (told["fault"], told["remembered"]) == ("shrank", kept)
    assert told["shown"] in said


def test_halted_worker_claims_nothing_until_the_record_is_accepted(pair: Pair, tmp_path: Path) -> None:
    """After an alarm tasks wait; `clawtrail worker --accept-record` lets the same worker go on."""
    roll_back(pair, tmp_path / "aside")
    pair.server.restart()
    until(lambda: pair.events("witness.alarmed"), within=20)
    task = pair.ada.submit("true").task_id
    pair.syncs_again()
    assert pair.ada.get(task).state == "pending"
    said = accept(pair)
    assert "cleared" in said
    assert pair.ada.wait(task, timeout=20).exit_code == 0
    pair.grow()
    assert len(list(pair.state.glob("accepted-*.txt"))) == 1


def test_alarm_outlives_the_worker(pair: Pair, tmp_path: Path) -> None:
    """A worker that is started anew with an alarm standing claims nothing either, from its first sync on."""
    roll_back(pair, tmp_path / "aside")
    pair.server.restart()
    until(lambda: HALTED in pair.worker.logs(), within=20)
    pair.worker.kill()
    task = pair.ada.submit("true").task_id
    pair.worker.restart()
    until(lambda: pair.worker.logs().count(HALTED) == 2, within=20)
    pair.syncs_again()
    assert pair.ada.get(task).state == "pending"


def test_removing_the_alarm_alone_is_not_enough(pair: Pair, tmp_path: Path) -> None:
    """Whoever only removes the file has the worker look again, and the same record alarms again."""
    roll_back(pair, tmp_path / "aside")
    pair.server.restart()
    pair.alarm()
    until(lambda: pair.events("witness.alarmed"), within=20)
    pair.alarms[0].unlink()
    until(lambda: len(pair.events("witness.alarmed")) == 2, within=20)
    assert pair.alarm()


def test_a_record_that_was_put_right_is_followed_again(pair: Pair, tmp_path: Path) -> None:
    """When the real record is back and the alarm removed, the worker goes on without accepting anything."""
    pair.grow()
    pair.server.stop()
    copy_aside(pair.data, tmp_path / "real")
    rewrite_an_event(pair.data, '"name":"wim"', '"name":"wes"')
    pair.server.restart()
    pair.alarm()
    pair.server.stop()
    put_back(tmp_path / "real", pair.data)
    pair.server.restart()
    pair.alarms[0].unlink()
    pair.grow()
    assert not pair.alarms


def test_an_event_that_was_rewritten_and_signed_anew(pair: Pair) -> None:
    """Who has the key and changes one event of the past is noticed, though the server finds no fault."""
    pair.grow()
    pair.server.stop()
    kept = remembered(pair)
    rewrite_an_event(pair.data, '"name":"wim"', '"name":"wes"')
    pair.server.restart()
    said = pair.alarm()
    assert "does not begin with the" in said
    assert kept in said
    (told,) = until(lambda: pair.events("witness.alarmed"), within=20)
    assert told["fault"] == "forked"


def test_run_goes_on_to_its_end_after_an_alarm(pair: Pair, tmp_path: Path) -> None:
    """What runs when the alarm comes is not disturbed, and its outcome is on the record."""
    pair.grow()
    gate = tmp_path / "gate"
    gate.mkdir()
    task = pair.ada.submit(f"while [ -d {gate} ]; do sleep 0.05; done; echo ended", timeout=60).task_id
    until(lambda: pair.ada.get(task).state == "running")
    pair.server.stop()
    rewrite_an_event(pair.data, '"name":"wim"', '"name":"wes"')
    pair.server.restart()
    pair.alarm()
    gate.rmdir()
    assert pair.ada.wait(task, timeout=20).stdout == "ended\n"
    waiting = pair.ada.submit("true").task_id
    pair.syncs_again()
    assert pair.ada.get(waiting).state == "pending"


def test_two_branches_behind_one_address(pair: Pair, tmp_path: Path) -> None:
    """A record that was copied and grew on both sides is noticed when the other side answers."""
    pair.grow()
    pair.server.stop()
    fork = tmp_path / "fork"
    copy_aside(pair.data, fork)
    pair.server.restart()
    for _ in range(2):
        pair.grow()
    pair.server.stop()
    with pair.serving(fork) as other:
        for _ in range(20):
            other.submit("true")
    put_back(fork, pair.data)
    pair.server.restart()
    assert "does not begin with the" in pair.alarm()


def test_another_key(pair: Pair) -> None:
    """A server that lost its key, or has another one, is not believed until somebody says so."""
    kept = remembered(pair)
    pair.server.stop()
    (pair.data / "clawtrail.key").unlink()
    pair.server.restart()
    said = pair.alarm()
    assert "another key" in said
    assert kept in said
    accept(pair)
    assert pair.grow() > 0


def test_another_key_than_the_configured_one(start: Start) -> None:
    """With a key configured not even the first checkpoint of another key is believed."""
    other = str(Signer.generate("clawtrail.local/other").verifier)
    pair = start(CLAWTRAIL_WORKER_LOG_KEY=other)
    assert "No checkpoint was remembered" in pair.alarm()
    assert other.partition("+")[0] not in pair.ada.checkpoint()


def test_go_on_is_a_setting(start: Start, tmp_path: Path) -> None:
    """With CLAWTRAIL_WORKER_ON_ALARM=go-on the alarm is told and written down, and tasks run on."""
    pair = start(CLAWTRAIL_WORKER_ON_ALARM="go-on")
    pair.has_seen(1)
    roll_back(pair, tmp_path / "aside")
    pair.server.restart()
    until(lambda: pair.events("witness.alarmed"), within=20)
    assert pair.ada.run("echo on", timeout=20).stdout == "on\n"
    assert len(pair.alarms) == 1


@pytest.mark.parametrize("text", ["", "nonsense\n", "\xff"])
def test_damaged_memory_is_no_first_time(pair: Pair, text: str) -> None:
    """A worker whose memory is damaged does not start and says how to begin anew."""
    pair.worker.stop()
    file = Memory(pair.state, pair.server.url).file
    file.write_bytes(text.encode("latin-1"))
    ran = pair.clawtrail("worker", "--state", str(pair.state), "--url", pair.server.url)
    assert ran.returncode == 2
    assert "--accept-record" in ran.stderr
    accept(pair)
    pair.worker.restart()
    assert pair.grow() > 0
