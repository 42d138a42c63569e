"""What no event tells, so that nothing can check it: column by column, with the reason."""

from __future__ import annotations

UNTOLD: dict[str, dict[str, str]] = {
    "tasks": {
        "idempotency_key": "a client's own word for its request; the record does not hold it",
        "idempotency_digest": "guards repeated requests only",
        "lease_hash": "the fence of a lease that lasts a minute; secrets do not go on the record",
        "lease_expires_at": "renewals are not on the record, since there are too many",
    },
    "outcomes": {
        "lease_hash": "the fence of the lease under which it was reported",
    },
    "output": {
        "offset": "digests cover the bytes in their order; where a worker left some out, only it knows",
        "at": "when a piece came; the events of its run bound it",
    },
    "checkpoints": {
        "signed_at": "the standard's checkpoints hold no time",
    },
    "tokens": {
        "hash": "what proves a token; secrets do not go on the record",
    },
    "callback_tokens": {
        "task_id": "a secret that is wanted no more is deleted, and the record says nothing of it",
        "sealed": "the same; what was altered cannot be opened",
        "created_at": "the same",
    },
    "recent_sessions": {
        "worker_id": "what lies on workers' computers is told anew all the time",
        "cli": "the same",
        "sessions": "the same",
        "told_at": "the same",
    },
    "workers": {
        "name": "what a worker calls itself may change without an event",
        "version": "the same",
        "policy_hash": "the same; each start and each verdict has the hash of its policy on the record",
        "sandboxes": "the same; the outcome of each run names the one that it ran in",
        "free": "how many tasks it could take at its last sync",
        "last_seen_at": "syncs are not on the record",
    },
}
"""By table and column. What is not named here is compared with the record, or is the record."""

GAPS = {
    "output of a run without an outcome": "no event holds a digest of it until the run has ended",
    "checkpoints that are gone": "nothing tells how many there were; whoever has one can still show it",
}
"""Rows that nothing tells of."""
