"""What another policy would say of tasks of the past, as far as that can be told afterwards."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from pydantic import JsonValue

from worker.policy import asked as asking
from worker.policy.asked import NotUnderstood
from worker.policy.deciding import decide
from worker.policy.loading import Policy
from worker.policy.programs import Programs
from worker.policy.rules import ANSWERS, Answer

Payload = Mapping[str, JsonValue]


@dataclass(frozen=True)
class Saying:
    """A verdict with the rule that gave it, and why where that is known."""

    verdict: Answer
    rule: str
    why: str = ""


class NotJudged(Exception):
    """It cannot be told; the message says why, in words that many tasks share."""


def said_of(events: Iterable[tuple[str, Mapping[str, object]]]) -> Saying:
    """Give what a worker's policy said of a task at last, from its events: pairs of type and detail.

    Raises ``NotJudged`` where no policy ever said anything.
    """
    said = None
    for type_, detail in events:
        rule = detail.get("rule")
        if not isinstance(rule, str):
            continue
        if type_ == "approval.requested":
            said = Saying("ask", rule)
        elif type_ == "task.started":  # the verdict stands in the start, since it let it start
            said = Saying("ask" if detail.get("approval") else "allow", rule)
        elif type_ == "verdict.given" and detail.get("verdict") in ANSWERS:
            asked = detail.get("approval")
            said = Saying("ask" if asked else cast("Answer", detail["verdict"]), rule)
    if said is None:
        raise NotJudged("no policy ever decided on it")
    return said


class Replay:
    """Asks one policy about tasks as they were submitted. Threads may share it."""

    def __init__(self, policy: Policy, search_path: str) -> None:
        """Take *policy*, and the PATH on which programs are found."""
        self._policy = policy
        self._programs = Programs(search_path)

    def says(self, kind: str, payload: Payload | None, origin: str) -> Saying:
        """Give what the policy says now, on this machine as it is. Raises ``NotJudged``."""
        if payload is None:
            raise NotJudged("its content was redacted")
        if kind in self._policy.agents:
            raise NotJudged("it was for an agent")
        try:
            asked = asking.read(kind, payload, origin, home_folder=self._policy.home_folder)
        except NotUnderstood:
            raise NotJudged("its content is not understood, so nothing would run") from None
        found = decide(self._policy, asked, self._programs)
        missing = asked.words is not None and found.program is None and kind == "command"
        why = f"{found.why}; its program is not found on this machine" if missing else found.why
        return Saying(found.answer, found.rule, why)
