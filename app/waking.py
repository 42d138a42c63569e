"""What a commit means to those who wait: the events that it wrote say whom to wake."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from app.backlog import Backlog
from app.domain.event_types import EventType as E
from app.seats import Offer
from app.storage.ledger import Event
from app.waiting import QUESTIONS_KEY, WaitingRoom, output_key

_FINISHING = frozenset(
    {
        E.TASK_COMPLETED,
        E.TASK_FAILED,
        E.TASK_CANCELLED,
        E.TASK_EXPIRED,
        E.TASK_LOST,
        E.APPROVAL_REFUSED,
        E.APPROVAL_EXPIRED,
    },
)
_OF_RUNS = frozenset({E.QUESTION_ANSWERED, E.QUESTION_CLOSED})
_QUESTIONS = _OF_RUNS | {
    E.APPROVAL_REQUESTED,
    E.APPROVAL_GIVEN,
    E.APPROVAL_REFUSED,
    E.APPROVAL_EXPIRED,
    E.QUESTION_ASKED,
}
_CALLING = _OF_RUNS | {E.CANCEL_REQUESTED, E.WORKER_DRAINED, E.WORKER_RESUMED}
_RETURNING = frozenset({E.CLAIM_RELEASED, E.LEASE_EXPIRED, E.TASK_REQUEUED})


def waker(room: WaitingRoom, backlog: Backlog) -> Callable[[Sequence[Event]], None]:
    """Return what the writer calls after each commit, in the thread that committed."""

    def committed(events: Sequence[Event]) -> None:
        for event in events:
            _wake(room, backlog, event)
        if any(event.type in _RETURNING or _frees_a_session(event) for event in events):
            room.offer_to_all()
        if any(event.type in _QUESTIONS or _withdraws_a_question(event) for event in events):
            room.tell(QUESTIONS_KEY)

    return committed


def _wake(room: WaitingRoom, backlog: Backlog, event: Event) -> None:
    if event.type is E.TASK_SUBMITTED and event.task_id is not None:
        backlog.add(pending=1)
        room.offer(Offer(event.task_id, event.detail["kind"], event.detail.get("labels")))
    elif event.type is E.TASK_CLAIMED:
        backlog.add(pending=-1, held=1)
    elif event.type in _RETURNING:
        backlog.add(pending=1, held=-1)
    elif event.type is E.APPROVAL_GIVEN:
        backlog.add(pending=1, held=-1)
        room.call(event.detail["worker"])
    elif event.type in _FINISHING and event.task_id is not None:
        was_pending = event.detail.get("from_state") == "pending"
        backlog.add(pending=-was_pending, held=was_pending - 1, finished=1)
        room.tell(event.task_id)
        room.tell(output_key(event.task_id))
    elif event.type in _CALLING:
        room.call(event.detail["worker"])


def _frees_a_session(event: Event) -> bool:
    return event.type in _FINISHING and "session_key" in event.detail


def _withdraws_a_question(event: Event) -> bool:
    return event.type is E.TASK_CANCELLED and event.detail.get("from_state") == "awaiting_approval"
