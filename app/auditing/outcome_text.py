"""The digest of an outcome from its row, put together as text: it is made once for each outcome."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from app.auditing.scanning import Row
from clawtrail.formats.canonical import quote
from clawtrail.formats.leaves import SALT_BYTES

OUTCOME = (
    "task_id, attempt, nr, accepted, exit_code, reported_at, digest, salt,"
    " reason, error, metadata, duration_ms, stdout_bytes, stderr_bytes, truncated,"
    " stdout_digest, stderr_digest"
)
"""The columns of an outcome, in the order in which the checks take them."""


def digest_of(row: Row) -> bytes:
    """Return what ``services.outcomes.digest_of`` returns, of the columns ``OUTCOME`` with their salt."""
    salt, reason, error, metadata, duration_ms = row[7:12]
    stdout_bytes, stderr_bytes, truncated, stdout, stderr = row[12:17]
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


USUAL = (
    "o.error IS NULL AND o.metadata IS NULL AND +o.duration_ms < '' AND +o.stdout_bytes < ''"
    " AND +o.stderr_bytes = 0 AND o.stderr_digest IS NULL AND +o.truncated = 0"
    f" AND length(o.salt) = {SALT_BYTES} AND o.salt >= x''"
)
"""What holds of the outcome of most commands, in SQL."""


class UsualText:
    """Spells the texts of ``USUAL`` outcomes with the same *exit_code* and *reason*."""

    def __init__(self, exit_code: int, reason: str) -> None:
        self._middle = f',"error":null,"exit_code":{exit_code},"metadata":null,"reason":{quote(reason)},'
        self._middle += '"stderr":null,"stderr_bytes":0,"stdout":'

    def digests(self, rows: Iterable[Row]) -> list[bytes]:
        """Return what ``digest_of`` returns, of duration_ms, stdout_bytes, stdout_digest and salt."""
        middle = self._middle
        return [
            sha256(
                salt
                + (
                    f'{{"duration_ms":{duration_ms}{middle}null,"stdout_bytes":{stdout_bytes},"truncated":0}}'
                    if stdout is None
                    else f'{{"duration_ms":{duration_ms}{middle}"{stdout.hex()}",'
                    f'"stdout_bytes":{stdout_bytes},"truncated":0}}'
                ).encode()
            ).digest()
            for duration_ms, stdout_bytes, stdout, salt in rows
        ]
