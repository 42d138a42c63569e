"""The table of transitions: closed, reachable, and the same in the documents."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from app.domain.errors import IllegalTransition
from app.domain.event_types import EventType
from app.domain.states import FINISHED, HELD, TRANSITIONS, WITHOUT_RUN, State, old_status
from app.services import transitions
from tests.support import acts
from tests.support.database import Database

DOCUMENT = Path(__file__).parents[2] / "docs" / "states.md"
ALLOWED = {(from_, to) for from_, to, _type in TRANSITIONS}


def test_nothing_leads_out_of_a_finished_state() -> None:
    """A task that has ended stays as it ended."""
    assert not {from_ for from_, _to, _type in TRANSITIONS} & FINISHED


def test_every_state_can_be_reached_from_pending() -> None:
    """Beginning with pending, the transitions lead to every state."""
    reached = {State.PENDING}
    while more := {to for from_, to in ALLOWED if from_ in reached} - reached:
        reached |= more
    assert reached == set(State)


def test_every_unfinished_state_can_end() -> None:
    """From each state in use that is not finished there is a way to the end."""
    for state in {from_ for from_, _to in ALLOWED}:
        assert any(to in FINISHED for from_, to in ALLOWED if from_ == state)


def test_each_event_leads_to_one_state() -> None:
    """From the type of an event alone, the record tells where the task stands afterwards."""
    to_of: dict[EventType, set[State]] = {}
    for _from, to, type_ in TRANSITIONS:
        to_of.setdefault(type_, set()).add(to)
    assert all(len(states) == 1 for states in to_of.values())


def test_states_are_pending_held_or_finished() -> None:
    """The three sorts of states do not overlap and leave none out."""
    assert {State.PENDING} | HELD | FINISHED == set(State)
    assert not HELD & FINISHED
    assert WITHOUT_RUN < FINISHED


def test_old_clients_see_two_words_until_the_end() -> None:
    """Unfinished states are shown as pending or running; finished ones by their own name."""
    for state in State:
        shown = old_status(state)
        assert shown == state.value if state in FINISHED else shown in ("pending", "running")


def in_state(db: Database, state: State) -> str:
    """Return a task that stands in *state*."""
    task_id = acts.submit(db)
    if state is State.AWAITING_APPROVAL:
        acts.asked(db)
    if state in (State.CLAIMED, State.RUNNING):
        [claimed] = acts.claim(db)
        if state is State.RUNNING:
            acts.start(db, claimed)
    if state is State.CANCELLED:
        acts.cancel(db, task_id)
    return task_id


def forbidden() -> Iterator[tuple[State, State, EventType]]:
    """Yield every triple that the table does not have, one event type a pair."""
    for from_, to in product(State, State):
        types = sorted(type_ for _from, end, type_ in TRANSITIONS if end is to) or [EventType.TASK_LOST]
        type_ = types[0]
        if (from_, to, type_) not in TRANSITIONS:
            yield from_, to, type_


@pytest.mark.parametrize(("from_", "to", "type_"), sorted(forbidden()))
def test_a_way_that_is_not_in_the_table_is_refused(
    db: Database, from_: State, to: State, type_: EventType
) -> None:
    """Any other pair of states is an IllegalTransition, and neither the row nor the record changes."""
    task_id = in_state(db, from_)
    before, told = db.task(task_id), db.told(task_id)
    with pytest.raises(IllegalTransition):
        db.write(
            lambda conn: transitions.move(
                conn,
                task_id,
                from_=from_,
                to=to,
                type_=type_,
                at=db.now,
                actor="system:test",
                attempt=None,
                values={},
            )
        )
    assert (db.task(task_id), db.told(task_id)) == (before, told)


def test_a_task_that_somebody_moved_first_is_not_moved_again(db: Database) -> None:
    """The move is a compare-and-set: from a state in which the task no longer is, nothing happens."""
    task_id = in_state(db, State.CANCELLED)
    with pytest.raises(IllegalTransition, match="no longer pending"):
        db.write(
            lambda conn: transitions.move(
                conn,
                task_id,
                from_=State.PENDING,
                to=State.EXPIRED,
                type_=EventType.TASK_EXPIRED,
                at=db.now,
                actor="system:test",
                attempt=None,
                values={"finished_at": db.now},
            )
        )
    assert db.told(task_id) == ["task.submitted", "task.cancelled"]


def test_the_document_has_the_same_table() -> None:
    """docs/states.md lists exactly the transitions of the code, as ``| from | event | to |``."""
    rows = re.findall(
        r"^\| *`?(\w+)`? *\| *`?([\w.]+)`? *\| *`?(\w+)`? *\|", DOCUMENT.read_text("utf-8"), re.MULTILINE
    )
    listed = {(from_, event, to) for from_, event, to in rows if "." in event}
    assert listed == {(from_.value, type_.value, to.value) for from_, to, type_ in TRANSITIONS}
