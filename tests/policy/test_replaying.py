"""What is told of past verdicts by their events, and what another policy says of the same tasks."""

import pytest

from worker.policy.loading import load
from worker.policy.replaying import NotJudged, Replay, said_of

POLICY = b"""default = "deny"

[[rule]]
name = "looking"
verdict = "allow"
argv = ["ls", "**"]

[[rule]]
name = "ada writes"
verdict = "ask"
kinds = ["file-write"]
from = ["client:ada"]

[agents.claude]
"""


@pytest.mark.parametrize(
    ("events", "verdict"),
    [
        ([("task.started", {"rule": "r"})], "allow"),
        ([("task.started", {"rule": "r", "approval": "a"})], "ask"),
        ([("approval.requested", {"rule": "r"}), ("approval.refused", {"approval": "a"})], "ask"),
        (
            [("approval.requested", {"rule": "s"}), ("verdict.given", {"verdict": "deny", "rule": "r"})],
            "deny",
        ),
        ([("verdict.given", {"verdict": "allow", "rule": "r"}), ("task.started", {})], "allow"),
        ([("verdict.given", {"verdict": "allow", "rule": "r", "approval": "a"})], "ask"),
    ],
)
def test_verdict_of_the_record(events: list[tuple[str, dict[str, object]]], verdict: str) -> None:
    """The last word of a policy counts, whichever event has it: start, question, or one of its own."""
    said = said_of([("task.submitted", {}), *events, ("task.completed", {"exit_code": 0})])
    assert (said.verdict, said.rule) == (verdict, "r")


def test_tasks_that_no_policy_saw_are_not_judged() -> None:
    """Cancelled before it was claimed, or run by an old worker: there is nothing to compare with."""
    with pytest.raises(NotJudged, match="no policy"):
        said_of([("task.submitted", {}), ("task.started", {"assumed": True})])


def test_policy_is_asked_about_what_was_submitted() -> None:
    """Content, kind and submitter count; what cannot be judged says why."""
    replay = Replay(load(POLICY.replace(b"[agents.claude]\n", b"")), "/usr/bin:/bin")
    assert replay.says("command", {"command": "ls -l"}, "client:ben").rule == "looking"
    assert replay.says("file-write", {"path": "/x", "content": "y"}, "client:ada").verdict == "ask"
    assert replay.says("file-write", {"path": "/x", "content": "y"}, "client:ben").verdict == "deny"
    assert "not found" in replay.says("command", {"argv": ["no-such-program"]}, "client:ada").why
    for payload, why in ((None, "redacted"), ({"argv": "ls"}, "not understood")):
        with pytest.raises(NotJudged, match=why):
            replay.says("command", payload, "client:ada")
