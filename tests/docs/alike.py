"""Whether an answer is what a document shows, apart from what differs from run to run."""

from __future__ import annotations

import re
from collections.abc import Iterator

_SHA256 = re.compile("[A-Za-z0-9+/]{43}=")
VOLATILE = frozenset(
    {
        "taskId", "taskIds", "rerunOf", "lease", "nextCursor", "id", "seq", "at", "now", "durationMs",
        "createdAt", "claimedAt", "startedAt", "finishedAt", "completedAt", "leaseExpiresAt",
        "firstSeenAt", "lastSeenAt", "outcome", "tasks", "results", "free", "held", "version",
        "nextAt", "lastAt", "next", "approvalId", "requestedAt", "expiresAt", "decidedAt", "sessionId",
    }
)  # fmt: skip
"""Members whose values are another each time; their types are compared, and what is in them."""


def differences(shown: object, told: object, where: str = "the answer") -> Iterator[str]:
    """Yield what of *told* is not as *shown*."""
    if type(shown) is not type(told):
        yield f"{where} is {told!r}, the document shows {shown!r}"
    elif isinstance(shown, dict) and isinstance(told, dict):
        if shown.keys() != told.keys():
            yield f"{where} has {sorted(told)}, the document shows {sorted(shown)}"
        for key in shown.keys() & told.keys():
            yield from _member(key, shown[key], told[key], f"{where}.{key}")
    elif isinstance(shown, list) and isinstance(told, list):
        if len(shown) != len(told):
            yield f"{where} has {len(told)} members, the document shows {len(shown)}"
        for number, (one, other) in enumerate(zip(shown, told, strict=False)):
            yield from differences(one, other, f"{where}[{number}]")
    elif shown != told:
        yield f"{where} is {told!r}, the document shows {shown!r}"


def _member(key: str, shown: object, told: object, where: str) -> Iterator[str]:
    is_digest = isinstance(shown, str) and (key == "payload" or _SHA256.fullmatch(shown) is not None)
    if (key in VOLATILE or is_digest) and not isinstance(shown, dict):
        nested = isinstance(shown, list) and any(isinstance(one, dict) for one in shown)
        if nested:
            yield from differences(shown, told, where)
        elif type(shown) is not type(told):
            yield f"{where} is {told!r}, the document shows {shown!r}"
    else:
        yield from differences(shown, told, where)


def missing_members(shown: object, told: object) -> Iterator[str]:
    """Yield what a *shown* sample has at its top and *told* has not."""
    if not isinstance(shown, dict) or not isinstance(told, dict):
        yield f"a JSON object is expected, not {told!r}"
    elif shown.keys() != told.keys():
        yield f"the answer has {sorted(told)}, the sample {sorted(shown)}"
