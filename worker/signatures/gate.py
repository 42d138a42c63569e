"""What is asked before the policy: whether a task is signed as it has to be, and was not run before."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from worker.answers import Claim
from worker.errors import JournalFailed
from worker.journal import Journal
from worker.policy.digesting import of_text
from worker.signatures.checking import Place, SignatureRefused, SignedTask, check_approval, check_task
from worker.signatures.keyring import Keyring
from worker.signatures.timekeeping import Timekeeper
from worker.verdicts import Verdict

TASK_RULE = "signature"
APPROVAL_RULE = "signature of the approval"
_NONE = "0" * 64


class Policy(Protocol):
    """Gives the verdict on a claim; *signer* is the name of the trusted key that signed it, if any did."""

    def __call__(self, claim: Claim, signer: str | None = None) -> Verdict:
        """Give it."""


@dataclass(frozen=True)
class Demands:
    """What has to be signed for this worker, and by how much clocks may differ."""

    worker: str
    labels: Iterable[str]
    tolerance_ms: int
    tasks: bool = False
    approvals: bool = False


class Gate:
    """Asked for each claim, by any thread, just before it would start. A signature given must be good.

    When it lets a task run, the numbers of what was signed are used up, durably. Whoever then does not run it
    after all gives them back (``Journal.give_back``).
    """

    def __init__(
        self, policy: Policy, keyring: Keyring, journal: Journal, time: Timekeeper, demands: Demands
    ) -> None:
        self._policy = policy
        self._keyring = keyring
        self._journal = journal
        self._time = time
        self._demands = demands
        self._labels = frozenset(demands.labels)

    def __call__(self, claim: Claim) -> Verdict:
        """Give the verdict: a refusal where a signature is missing or not good, else the policy's."""
        signed = None
        if claim.signature is not None or self._demands.tasks:
            try:
                signed = self._signed(claim)
            except SignatureRefused as error:
                return self._refusal(claim, TASK_RULE, f"its signature is not good: {error}")
        return self._judged(claim, signed)

    def _signed(self, claim: Claim) -> SignedTask:
        if claim.signature is None:
            raise SignatureRefused("this worker runs signed tasks only, and there is none")
        return check_task(claim, self._keyring.keys(), self._place())

    def _judged(self, claim: Claim, signed: SignedTask | None) -> Verdict:
        meant = claim if signed is None else signed.claim
        verdict = self._policy(meant, None if signed is None else signed.signer)
        if signed is not None:
            verdict = replace(verdict, signed=signed.claim)
        uses = {} if signed is None else {signed.nonce: signed.starts}
        if verdict.answer == "ask" and verdict.holds_under(claim):
            try:
                uses |= self._yes(claim, verdict)
            except SignatureRefused as error:
                return self._refusal(
                    claim, APPROVAL_RULE, f"the yes to it is not signed as it must be: {error}"
                )
        if not uses or verdict.answer == "deny":
            return verdict
        return self._spent(claim, verdict, uses)

    def _yes(self, claim: Claim, verdict: Verdict) -> dict[str, int]:
        """Check how the yes was signed that came with *claim*; give what it uses up."""
        approval = claim.approval
        if approval is None or (approval.signature is None and not self._demands.approvals):
            return {}
        if approval.signature is None:
            raise SignatureRefused("this worker takes signed ones only, and there is no signature")
        yes = check_approval(approval, claim, verdict, self._keyring.keys(), self._place())
        return {yes.validity.nonce: 1}

    def _spent(self, claim: Claim, verdict: Verdict, uses: dict[str, int]) -> Verdict:
        """Use up what was signed if the task is to run, or look whether it could still."""
        runs = verdict.holds_under(claim)
        try:
            used = self._journal.spend(claim.lease, uses) if runs else self._journal.find_spent(uses)
        except JournalFailed as error:
            return self._refusal(claim, TASK_RULE, f"not run: {error}")
        if used is None:
            return verdict
        return self._refusal(
            claim, TASK_RULE, "what was signed was run before, and is good for that alone; submit it anew"
        )

    def _place(self) -> Place:
        demands = self._demands
        return Place(demands.worker, self._labels, self._time.now(), demands.tolerance_ms)

    def _refusal(self, claim: Claim, rule: str, why: str) -> Verdict:
        behind = self._time.behind_ms()
        if behind > self._demands.tolerance_ms:
            why += f" (the worker's clock is {behind / 1000:.0f} s behind a time that it showed before)"
        digest = of_text(claim.signature or "")
        return Verdict("deny", rule, digest, _NONE, why=why, refusal=f"Refused: {why}")
