"""The token of a lease: names the attempt it holds, and proves it."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass

from app.domain.entropy import random_bytes

HASH_BYTES = 16


@dataclass(frozen=True, slots=True)
class Lease:
    """A worker's hold of one attempt, as its token says."""

    task_id: str
    attempt: int
    grant: str

    @property
    def token(self) -> str:
        """The lease as it travels: ``TASK.ATTEMPT.GRANT``."""
        return f"{self.task_id}.{self.attempt}.{self.grant}"

    def matches(self, kept: bytes | None) -> bool:
        """Say in constant time whether this is the lease whose hash was *kept*."""
        return kept is not None and hmac.compare_digest(grant_hash(self.grant), kept)


def new_grant() -> str:
    """Return the secret part of the leases of one claim: 128 random bits."""
    return urlsafe_b64encode(random_bytes(16)).rstrip(b"=").decode()


def grant_hash(grant: str) -> bytes:
    """Return what the database keeps of a grant: it can check one but not make one."""
    return hashlib.blake2b(grant.encode(), digest_size=HASH_BYTES).digest()


def parse(token: str) -> Lease | None:
    """Return the lease that *token* spells, or None if it spells none."""
    task_id, _, rest = token.partition(".")
    attempt, _, grant = rest.partition(".")
    if not (task_id and grant and attempt.isascii() and attempt.isdecimal() and len(attempt) < 10):
        return None
    return Lease(task_id, int(attempt), grant)
