"""Signing as Ada does, and altering what was signed: what the forgeries have in common."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from clawtrail.formats import dsse, statements
from clawtrail.formats.notes import Signer
from clawtrail.formats.statements import TASK_TYPE, TaskStatement, Validity

WORKER = "wim"
HOUR = 3_600_000

Claim = dict[str, Any]
"""What a sync tells of a task, without its lease."""

Forgery = Callable[["Forger", Path], Claim]
"""Makes a claim that must not run; if it did, it would leave a line in the file."""


@dataclass(frozen=True)
class Cast:
    """Ada's key is trusted for tasks, Ann's for approvals, Ben's for reads; Rex's is revoked, Mal's none."""

    ada: Signer
    ann: Signer
    ben: Signer
    rex: Signer
    mal: Signer

    @classmethod
    def of(cls, chance: random.Random) -> Cast:
        """Make them all."""
        return cls(*(Signer(name, chance.randbytes(32)) for name in ("ada", "ann", "ben", "rex", "mal")))


class Forger:
    """Signs as Ada does, and alters what was signed. ``now`` gives the worker's time."""

    def __init__(self, chance: random.Random, cast: Cast, now: Callable[[], int]) -> None:
        self.chance = chance
        self.cast = cast
        self.now = now

    def statement(self, file: Path, **other: Any) -> TaskStatement:  # noqa: ANN401 - fields of either
        """Return the statement of a command that leaves a line in *file*."""
        validity = Validity((WORKER,), self.now(), self.now() + HOUR, self.chance.randbytes(16).hex())
        validity = replace(validity, **{k: v for k, v in other.items() if hasattr(validity, k)})
        made = TaskStatement(
            kind="command",
            payload={"command": f"echo ran >> {file}"},
            timeout_ms=30_000,
            effect="mutating",
            max_attempts=1,
            labels=(),
            session=None,
            on_behalf_of=None,
            not_before=None,
            validity=validity,
        )
        return replace(made, **{k: v for k, v in other.items() if hasattr(made, k)})

    def claim(self, file: Path, signer: Signer | None = None, **other: Any) -> Claim:  # noqa: ANN401
        """Return a good claim, or one that differs from a good one in what was signed."""
        statement = self.statement(file, **other)
        envelope = dsse.seal(TASK_TYPE, statements.task_bytes(statement), signer or self.cast.ada)
        return as_claim(statement, envelope)

    def altered(self, file: Path, alter: Callable[[dict[str, Any]], object]) -> Claim:
        """Return a claim whose envelope was altered after it was signed."""
        claim = self.claim(file)
        envelope = json.loads(claim["signature"])
        alter(envelope)
        return claim | {"signature": json.dumps(envelope)}


def as_claim(statement: TaskStatement, envelope: str) -> Claim:
    """Return the claim that fits a statement."""
    claim: Claim = {
        "kind": statement.kind,
        "payload": dict(statement.payload),
        "timeout": statement.timeout_ms,
        "signature": envelope,
    }
    return claim if statement.session is None else claim | {"sessionKey": f"command:{statement.session}"}


def evil(file: Path) -> dict[str, Any]:
    """Return content that nobody signed."""
    return {"command": f"echo altered >> {file}"}


def resealed(forger: Forger, file: Path, payload: bytes, type_: str = TASK_TYPE) -> Claim:
    """Return a good claim, but that Ada signed *payload*, or signed it as another type."""
    return forger.claim(file) | {"signature": dsse.seal(type_, payload, forger.cast.ada)}


def stripped(forger: Forger, file: Path) -> Claim:
    """Return a good claim without its signature."""
    claim = forger.claim(file)
    del claim["signature"]
    return claim
