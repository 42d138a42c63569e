"""The tries of a sink: three, five seconds apart, later if the other side says so. The clock is moved."""

import pytest

from tests.support.told import ended
from worker.callbacks.ended import Ended
from worker.callbacks.line import BETWEEN_S, LONGEST_PAUSE_S, TRIES, Line, Sending
from worker.callbacks.sink import NotSent


class Scripted:
    """A sink that fails as it is told, then takes everything."""

    name = "scripted"

    def __init__(self, *faults: Exception) -> None:
        self.faults = list(faults)
        self.sent: list[str] = []

    def refuses(self, channel: str) -> str | None:
        """Refuse a channel of this name."""
        return "that is no channel" if channel == "wrong" else None

    def send(self, one: Ended, token: str | None) -> None:
        """Fail, or keep it."""
        if self.faults:
            raise self.faults.pop(0)
        self.sent.append(f"{one.task_id} {token}")


def tried(line: Line, now: float) -> Sending:
    """Make a try that is due."""
    sending = line.try_next(now=now)
    assert sending is not None
    return sending


def test_first_try_is_at_once_and_the_others_five_seconds_apart() -> None:
    """After the third failure it is over, with the last error."""
    line = Line(Scripted(NotSent("one"), NotSent("two"), NotSent("three")))
    line.add(Sending(ended(), "token"), now=100.0)
    assert not tried(line, 100.0).over
    assert line.due_at() == 100.0 + BETWEEN_S
    assert line.try_next(now=100.0 + BETWEEN_S - 0.1) is None
    assert not tried(line, 106.0).over
    last = tried(line, 111.0)
    assert (last.over, last.sent, last.tries, last.error) == (True, False, TRIES, "three")
    assert line.due_at() == float("inf")


def test_success_after_a_failure_says_how_many_tries() -> None:
    """What helped at last is counted, and its error is gone."""
    sink = Scripted(NotSent("one"))
    line = Line(sink)
    line.add(Sending(ended(), "token"), now=0.0)
    tried(line, 0.0)
    last = tried(line, 5.0)
    assert (last.over, last.sent, last.tries, last.error) == (True, True, 2, None)
    assert sink.sent == ["task-1 token"]


def test_pause_holds_for_all_that_the_sink_has() -> None:
    """A rate limit is obeyed by those that come after, too; a failure without one stands in nobody's way."""
    sink = Scripted(NotSent("busy", pause=30.0))
    line = Line(sink)
    line.add(Sending(ended(), None), now=0.0)
    tried(line, 0.0)
    line.add(Sending(ended(task_id="task-2"), None), now=1.0)
    assert line.due_at() == 30.0
    assert line.try_next(now=29.9) is None
    assert [tried(line, 30.0).sent, tried(line, 30.0).sent] == [True, True]
    assert sink.sent == ["task-2 None", "task-1 None"]


def test_failure_of_one_does_not_delay_another() -> None:
    """While one waits for its next try, the next one has its first."""
    sink = Scripted(NotSent("one"))
    line = Line(sink)
    line.add(Sending(ended(), None), now=0.0)
    tried(line, 0.0)
    line.add(Sending(ended(task_id="task-2"), None), now=1.0)
    assert tried(line, 1.0).ended.task_id == "task-2"


def test_endless_pause_is_not_waited_for() -> None:
    """It is over at once, and the sink is silent for the longest pause all the same."""
    line = Line(Scripted(NotSent("banned", pause=1e9)))
    line.add(Sending(ended(), None), now=0.0)
    assert tried(line, 0.0).over
    line.add(Sending(ended(), None), now=1.0)
    assert line.due_at() == LONGEST_PAUSE_S


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (NotSent("no", again=False), "no"),
        (ZeroDivisionError("with a secret"), "the sink failed: ZeroDivisionError"),
    ],
)
def test_what_stays_so_is_not_tried_again(fault: Exception, error: str) -> None:
    """A no for good, and a fault of the sink's own, end it; the next one is sent."""
    line = Line(Scripted(fault))
    line.add(Sending(ended(), None), now=0.0)
    last = tried(line, 0.0)
    assert (last.over, last.tries, last.error) == (True, 1, error)
    line.add(Sending(ended(), None), now=0.0)
    assert tried(line, 0.0).sent


def test_wrong_channel_is_not_tried_at_all() -> None:
    """It is over before the first try."""
    sink = Scripted()
    line = Line(sink)
    line.add(Sending(ended(channel="wrong"), None), now=0.0)
    last = tried(line, 0.0)
    assert (last.over, last.tries, last.error) == (True, 0, "that is no channel")
    assert not sink.sent


def test_token_is_in_no_text_of_it() -> None:
    """Whoever prints what is on its way sees no token."""
    assert "secret" not in repr(Sending(ended(), "secret"))
