"""Tools that agents use, as workers report them."""

from __future__ import annotations

import pytest

from tests.support import cast
from tests.support.machine import Machine, result, start
from tests.support.service import Caller, RunningService


@pytest.fixture
def wim(service: RunningService) -> Machine:
    """Wim's machine, which runs Claude."""
    return Machine(service.as_(cast.WIM), kinds=("claude-cli",))


def used(lease: str, **said: object) -> dict[str, object]:
    """Return the item that tells of a used tool."""
    return {"type": "tool_used", "lease": lease, "tool": "Bash", **said}


def test_each_use_is_an_event_of_its_attempt(ada: Caller, wim: Machine) -> None:
    """Tool, short text and verdict stand there in their order; a long text is cut to 500 characters."""
    ada.post("/claude", {"prompt": "x"})
    claimed = wim.start()
    lease = claimed["lease"]
    answers = wim.report(
        used(lease, input="git status", verdict="allow"),
        used(lease, input="git status", verdict="allow"),
        used(lease, tool="Write", input="é" * 900, verdict="deny"),
        used(lease),
    )
    assert answers == [{"ok": True}] * 4
    events = ada.get(f"/tasks/{claimed['taskId']}/events").get_json()["events"][3:]
    assert {(event["type"], event["actor"], event["attempt"]) for event in events} == {
        ("agent.tool_used", "worker:wim", 1)
    }
    assert [event["detail"] for event in events] == [
        {"tool": "Bash", "input": "git status", "verdict": "allow"},
        {"tool": "Bash", "input": "git status", "verdict": "allow"},
        {"tool": "Write", "input": "é" * 500, "verdict": "deny"},
        {"tool": "Bash"},
    ]


def test_a_numbered_use_is_put_down_once(service: RunningService, ada: Caller, wim: Machine) -> None:
    """A report whose answer was lost is sent again, and nothing stands there twice."""
    ada.post("/claude", {"prompt": "x"})
    lease = wim.start()["lease"]
    items = [used(lease, number=1), used(lease, number=2)]
    for report in (items, items, [*items, used(lease, number=3)]):
        assert {answer["ok"] for answer in wim.report(*report)} == {True}
    assert service.count_events("agent.tool_used") == 3


def test_only_of_a_run_that_is_held(service: RunningService, ada: Caller, wim: Machine, wes: Machine) -> None:
    """Before the start, after the end, under another's lease: refused, and nothing is written."""
    ada.post("/claude", {"prompt": "x"})
    claimed = wim.claim()
    (early,) = wim.report(used(claimed["lease"]))
    wim.report(start(claimed))
    (others,) = wes.report(used(claimed["lease"]))
    wim.report(result(claimed))
    (late,) = wim.report(used(claimed["lease"]))
    assert [answer["code"] for answer in (early, others, late)] == [
        "illegal_transition",
        "lease_lost",
        "lease_lost",
    ]
    assert service.count_events("agent.tool_used") == 0
