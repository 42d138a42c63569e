"""The worker's own say on each task: may it run here? There is no policy yet, so everything may."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from worker.answers import Claim


@dataclass(frozen=True)
class Verdict:
    """The answer for one task, and the name of the rule that gave it."""

    answer: Literal["allow", "deny"]
    rule: str


MayRun = Callable[[Claim], Verdict]
"""Asked once for each claim before anything else is done with it. It is called by many threads."""


def allow_all(_claim: Claim) -> Verdict:
    """Allow any task: who may submit is decided by the tokens of the service alone."""
    return Verdict("allow", "no policy")
