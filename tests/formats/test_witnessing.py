"""Comparing a record with what was seen of it before."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clawtrail.formats import witnessing
from clawtrail.formats.witnessing import MAX_NOTE, Alarm, MemoryUnreadable, Seen
from tests.support.history import OTHER, SIGNER, History

REAL = History()


def seen(size: int) -> Seen:
    """Return the memory of a witness who saw the real record of that size."""
    return witnessing.meet(REAL.note(size), SIGNER.verifier)


def no_proof(old: int, new: int) -> list[bytes]:
    """Fail: nothing is to be asked."""
    raise AssertionError((old, new))


@given(st.integers(0, 300), st.integers(0, 300))
def test_a_record_that_grew_is_followed(one: int, other: int) -> None:
    """From any size to any larger one, the newest checkpoint is what is remembered."""
    old, new = sorted((one, other))
    followed = witnessing.follow(seen(old), REAL.note(new), REAL.prove)
    assert followed == witnessing.Seen(followed.verifier, REAL.note(new), followed.checkpoint)
    assert followed.size == new


@given(st.integers(1, 300), st.data())
def test_a_record_that_shrank_is_an_alarm(old: int, data: st.DataObject) -> None:
    """Any smaller size alarms without anything being asked, and both notes are told in full."""
    new = data.draw(st.integers(0, old - 1))
    with pytest.raises(Alarm, match=f"shrank from {old} events to {new}") as alarm:
        witnessing.follow(seen(old), REAL.note(new), no_proof)
    assert alarm.value.fault == "shrank"
    assert REAL.note(old) in alarm.value.told()
    assert REAL.note(new) in alarm.value.told()


@given(st.integers(1, 300), st.data())
def test_a_fork_is_an_alarm(old: int, data: st.DataObject) -> None:
    """A record that differs in any event seen before alarms, whichever side makes the proof."""
    fork = History(branch="other", fork=data.draw(st.integers(0, old - 1)))
    new = data.draw(st.integers(old, 320))
    for prove in (fork.prove, REAL.prove, lambda _old, _new: [bytes(32)] * 3):
        with pytest.raises(Alarm, match=f"of {new} events does not begin with the {old}") as alarm:
            witnessing.follow(seen(old), fork.note(new), prove)
        assert alarm.value.fault == "forked"


def test_what_differs_behind_the_memory_is_not_seen() -> None:
    """A record that was changed only beyond what the witness saw looks like one that grew."""
    fork = History(branch="other", fork=7)
    assert witnessing.follow(seen(7), fork.note(9), fork.prove).size == 9


def test_the_same_checkpoint_changes_nothing() -> None:
    """The checkpoint that is remembered already is compared without asking for anything."""
    before = seen(5)
    assert witnessing.follow(before, REAL.note(5), no_proof) is before


@pytest.mark.parametrize("size", [3, 5, 9])
def test_another_key_is_an_alarm(size: int) -> None:
    """The same record under another key is not believed, and the alarm says that it is the key."""
    with pytest.raises(Alarm, match="another key") as alarm:
        witnessing.follow(seen(5), History(signer=OTHER).note(size), no_proof)
    assert alarm.value.fault == "key"


@pytest.mark.parametrize(
    "note",
    [
        REAL.note(9).replace("\n9\n", "\n8\n"),
        REAL.note(9)[:-1],
        "",
        "<html>",
        "\u2014",
        "x" * (MAX_NOTE + 1),
        REAL.note(9).split("\n\n")[0],
    ],
)
def test_what_is_not_well_signed_is_an_alarm(note: str) -> None:
    """A changed note, half of one, none and a huge one are told as what they are."""
    with pytest.raises(Alarm, match="What is shown is no") as alarm:
        witnessing.follow(seen(5), note, no_proof)
    assert alarm.value.fault == "signature"
    assert REAL.note(5) in alarm.value.told()
    with pytest.raises(Alarm, match="What is shown is no"):
        witnessing.meet(note, SIGNER.verifier)


def test_a_signature_of_one_more_key_does_no_harm() -> None:
    """A note that another witness has signed too is as good as before."""
    note = REAL.note(9)
    cosigned = note + History(signer=OTHER).note(9).split("\n\n")[1]
    assert witnessing.follow(seen(5), cosigned, REAL.prove).size == 9


def test_what_is_written_is_read() -> None:
    """Key and note come back from the text that a memory is."""
    again = witnessing.recall(witnessing.spell(seen(5)))
    assert (again.note, again.size, str(again.verifier)) == (REAL.note(5), 5, str(SIGNER.verifier))


@pytest.mark.parametrize(
    "text",
    ["", "\n", f"{SIGNER.verifier}\n", f"{OTHER.verifier}\n{REAL.note(5)}", REAL.note(5), "key\nnote\n"],
)
def test_a_damaged_memory_is_told(text: str) -> None:
    """A text without a key, without a note, or with a note that the key did not sign is no memory."""
    with pytest.raises(MemoryUnreadable):
        witnessing.recall(text)
