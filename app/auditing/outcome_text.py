"""The digest of an outcome from its row, put together as text: it is made once for each outcome."""

from __future__ import annotations

from hashlib import sha256

from app.auditing.scanning import Row
from clawtrail.formats.canonical import quote

OUTCOME = (
    "task_id, attempt, nr, accepted, exit_code, reported_at, digest, salt,"
    " reason, error, metadata, duration_ms, stdout_bytes, stderr_bytes, truncated,"
    " stdout_digest, stderr_digest"
)
"""The columns of an outcome, in the order in which the checks take them."""


def digest_of(row: Row) -> bytes:
    """Return what ``services.outcomes.digest_of`` returns, of the columns ``OUTCOME`` with their salt."""
    salt, reason, error, metadata, duration_ms = row[7:12]
    stdout_bytes, stderr_bytes, truncated, stdout, stderr = row[12:]
    text = (
        f'{{"duration_ms":{"null" if duration_ms is None else duration_ms},'
        f'"error":{"null" if error is None else quote(error)},"exit_code":{row[4]},'
        f'"metadata":{"null" if metadata is None else quote(metadata)},'
        f'"reason":{"null" if reason is None else quote(reason)},'
        f'"stderr":{"null" if stderr is None else quote(stderr.hex())},"stderr_bytes":{stderr_bytes},'
        f'"stdout":{"null" if stdout is None else quote(stdout.hex())},"stdout_bytes":{stdout_bytes},'
        f'"truncated":{truncated}}}'
    )
    return sha256(salt + text.encode()).digest()
