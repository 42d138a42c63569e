"""Sealing the few secrets that have to be given on: encrypted with a key that lies beside the database."""

from __future__ import annotations

import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.storage import key_file
from app.storage.key_file import KeyUnusable

KEY_BYTES = 32
NONCE_BYTES = 12


class Sealer:
    """Seals and opens with one key (AES-256-GCM). Any thread may call it; it never changes."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, text: str, *, about: str) -> bytes:
        """Return *text* sealed for *about*, such as a task's id: under another name it cannot be opened."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, text.encode("utf-8"), about.encode("utf-8"))

    def open(self, sealed: bytes, *, about: str) -> str | None:
        """Return the text sealed for *about*; None when it was sealed with another key, or altered."""
        try:
            text = self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], about.encode("utf-8"))
        except (InvalidTag, ValueError):
            return None
        return text.decode("utf-8")


def key_path(database: Path) -> Path:
    """Return where the key for the secrets in *database* lies."""
    return database.with_suffix(".seal")


def ensure(path: Path) -> Sealer:
    """Return the sealer whose key is in *path*; make a new one there if the file is missing.

    What was sealed with a lost key cannot be opened any more, which costs a few callbacks at most. Call it
    with the lock on the database held. Raises ``KeyUnusable`` for a file that others may read, and for one
    that is no key.
    """
    try:
        key = key_file.read_private(path, risk="open the tokens for callbacks that wait in the database")
    except FileNotFoundError:
        made = secrets.token_bytes(KEY_BYTES)
        key_file.write_private(path, made.hex() + "\n")
        return Sealer(made)
    try:
        found = bytes.fromhex(key.decode("ascii"))
    except ValueError:
        found = b""
    if len(found) != KEY_BYTES:
        raise KeyUnusable(f"There is no key in the file {path}: move it away, and a new one is made.")
    return Sealer(found)
