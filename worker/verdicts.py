"""The worker's own say on each task, whether it may run here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from worker.answers import Claim
from worker.orders import Beneath, Plan


@dataclass(frozen=True)
class Verdict:
    """The answer for one task, the name of the rule that gave it, and *why*, in a sentence.

    *digest* is of exactly what would run, *policy_hash* of the policy's bytes; both are SHA-256 in
    hexadecimal. *describe* tells people what would run, where the answer is ask. *refusal* is what a denied
    task is told, where it is not the rule that forbids it. *timeout_ms* is the longest that it may take,
    *output_bytes* the most that is kept of each stream. *signed* is the claim as its signer wrote it: where
    it is set, that is what runs.
    """

    answer: Literal["allow", "ask", "deny"]
    rule: str
    digest: str
    policy_hash: str
    why: str = ""
    describe: str | None = None
    plan: Plan | None = None
    beneath: Beneath | None = None
    timeout_ms: int | None = None
    output_bytes: int | None = None
    refusal: str | None = None
    signed: Claim | None = None

    def holds_under(self, claim: Claim) -> bool:
        """Tell whether the task may run: allowed, or asked and a human said yes to this very content."""
        if self.answer == "ask":
            return claim.approval is not None and claim.approval.digest == self.digest
        return self.answer == "allow"


MayRun = Callable[[Claim], Verdict]
"""Asked once for each claim, just before it would start. It is called by many threads."""
