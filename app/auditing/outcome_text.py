"""The digest of an outcome from its row, put together as text: it is made once for each outcome."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

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
        f'{{"duration_ms":{_number(duration_ms)},"error":{_text(error)},"exit_code":{row[4]},'
        f'"metadata":{_text(metadata)},"reason":{_text(reason)},"stderr":{_hex(stderr)},'
        f'"stderr_bytes":{stderr_bytes},"stdout":{_hex(stdout)},"stdout_bytes":{stdout_bytes},'
        f'"truncated":{truncated}}}'
    )
    return sha256(salt + text.encode()).digest()


def _number(value: int | None) -> Any:  # noqa: ANN401 - whatever the format takes
    return "null" if value is None else value


def _text(value: str | None) -> str:
    return "null" if value is None else quote(value)


def _hex(value: bytes | None) -> str:
    return "null" if value is None else f'"{value.hex()}"'
