"""What the tests of signatures share: keys of the cast, a gate before a policy, and a clock that is moved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from clawtrail import signing
from clawtrail.formats import trusted_keys
from clawtrail.formats.notes import Signer
from clawtrail.formats.trusted_keys import TrustedKey, TrustedKeys
from clawtrail.signing import Signing
from tests.support.policies import write
from worker.answers import Approval, Claim
from worker.journal import Journal
from worker.signatures.gate import Demands, Gate
from worker.signatures.keyring import Keyring
from worker.signatures.timekeeping import Timekeeper
from worker.verdicts import Verdict

NOON = 1_800_000_000_000
ADA = Signer("ada", b"a" * 32)
ANN = Signer("ann", b"n" * 32)
MAL = Signer("mal", b"m" * 32)
ASKED = Verdict("ask", "ask first", "d" * 64, "p" * 64, describe="would run: true")
BODY: dict[str, Any] = {"argv": ["true"]}


@dataclass
class Desk:
    """A gate, what is behind it, and what it was asked: one life of a worker on one state folder."""

    folder: Path
    at: int = NOON
    demands: Demands = field(default_factory=lambda: Demands("wim", ("os=linux",), 60_000, tasks=True))
    policy: Verdict = field(default_factory=lambda: Verdict("allow", "anything", "d" * 64, "p" * 64))
    signers: list[str | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Trust Ada for tasks and Ann for approvals, and begin."""
        self.file = self.folder / "trusted.json"
        self._numbers = count(1)
        if not self.file.exists():
            self.trust(
                TrustedKey("ada", ADA.verifier, "task", NOON),
                TrustedKey("ann", ANN.verifier, "approval", NOON),
            )
        self.begin()

    def begin(self) -> None:
        """Begin a life: journal, time and keys are read anew."""
        self.journal = Journal(self.folder / "journal.db")
        self.time = Timekeeper(self.journal, wall=lambda: self.at)
        self.keyring = Keyring(self.file)

    def restart(self) -> None:
        """End this life and begin another."""
        self.journal.close()
        self.begin()

    def trust(self, *keys: TrustedKey) -> None:
        """Put these keys into the file."""
        write(self.file, trusted_keys.spell(TrustedKeys(keys)))

    def ask(self, claim: Claim) -> Verdict:
        """Ask the gate about *claim*, under a lease of its own."""

        def policy(claim: Claim, signer: str | None = None) -> Verdict:
            self.signers.append(signer)
            return self.policy

        gate = Gate(policy, self.keyring, self.journal, self.time, self.demands)
        return gate(claim.model_copy(update={"lease": f"lease-{next(self._numbers)}"}))

    def refused(self, claim: Claim) -> str:
        """Ask the gate about *claim*, and give the sentence of its refusal."""
        return str(self.ask(claim).refusal)

    def signed(self, body: dict[str, Any] | None = None, *, by: Signer = ADA, to: str = "wim") -> Claim:
        """Give the claim of a command that was signed at the time of this desk."""
        sent = Signing(by, (to,), now=lambda: self.at).task("/tasks", BODY if body is None else body)
        payload: dict[str, Any] = {name: sent[name] for name in ("command", "argv", "cwd") if name in sent}
        return claim_of(payload, sent)

    def yes(self, claim: Claim, *, by: Signer | None = ANN, **other: Any) -> Claim:  # noqa: ANN401
        """Give *claim* with people's yes to what ``ASKED`` asks, signed over the question as it is listed."""
        question = {"approvalId": "q-1", "taskId": claim.task_id, "digest": ASKED.digest, "worker": "wim"}
        question |= {"describe": ASKED.describe} | other
        signature = None if by is None else signing.sign_yes(by, question, now=self.at)
        given = {"id": "q-1", "digest": ASKED.digest, "by": "approver:ann", "at": self.at}
        approval = Approval.model_validate(given | {"signature": signature})
        return claim.model_copy(update={"approval": approval})


def claim_of(payload: dict[str, Any], sent: dict[str, Any], kind: str = "command") -> Claim:
    """Give the claim that the service makes of what was *sent*."""
    session = sent.get("sessionId")
    about = {"taskId": "t-1", "attempt": 1, "lease": "lease", "submittedBy": "client:ada"}
    about |= {"kind": kind, "payload": payload, "timeout": sent["timeout"], "signature": sent["signature"]}
    about |= {"sessionKey": None if session is None else f"{kind}:{session}"}
    return Claim.model_validate(about)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A worker's gate that wants signed tasks."""
    made = Desk(tmp_path)
    yield made
    made.journal.close()


def wanting(desk: Desk, **changes: Any) -> Desk:  # noqa: ANN401 - fields of Demands
    """Let *desk* want something else."""
    desk.demands = replace(desk.demands, **changes)
    return desk
