"""What one event weighs in the Merkle tree: its leaf, and salted digests of what stays outside of it."""

from __future__ import annotations

from hashlib import sha256

from clawtrail.formats import canonical

SALT_BYTES = 16
"""Every salt is as long as this; were any length taken, a letter of the content could move into its salt."""


def event_text(
    *,
    seq: int,
    at: int,
    type_: str,
    task_id: str | None,
    attempt: int | None,
    actor: str,
    detail: str,
) -> str:
    """Return the canonical JSON of one event; *detail* is canonical JSON already, *at* epoch ms.

    The keys stand in canonical order here, so the text is put together and not sorted again:
    this runs once for every event, under the writer.
    """
    quote = canonical.quote
    return (
        f'{{"actor":{quote(actor)},"at":{at},"attempt":{"null" if attempt is None else attempt},'
        f'"detail":{detail},"seq":{seq},"task_id":{"null" if task_id is None else quote(task_id)},'
        f'"type":{quote(type_)}}}'
    )


def leaf(text: str) -> bytes:
    """Return the 32-byte Merkle leaf hash of an event's canonical *text* (RFC 6962, section 2.1)."""
    return sha256(b"\x00" + text.encode("utf-8")).digest()


def salted_digest(salt: bytes, content: bytes) -> bytes:
    """Return SHA-256(salt || content): what an event says of content that it does not hold."""
    return sha256(salt + content).digest()


def has_digest(content: str, *, salt: bytes, digest: bytes) -> bool:
    """Say whether *digest* is that of *content* with a *salt* of the right length."""
    return len(salt) == SALT_BYTES and salted_digest(salt, content.encode("utf-8")) == digest
