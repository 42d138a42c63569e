"""The one spelling of bytes and numbers in texts that are signed or hashed: base64 and decimals."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode

_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


class Misspelled(ValueError):
    """The text is not the one spelling of any value."""


def base64_of(data: bytes) -> str:
    """Return standard base64 with padding (RFC 4648 section 4), on one line."""
    return b64encode(data).decode("ascii")


def bytes_of(text: str, *, length: int | None = None) -> bytes:
    """Return what ``base64_of`` made *text* from, of exactly *length* bytes if that is given.

    Raises ``Misspelled`` for every other text, also for one that other programs decode: with line
    breaks, without padding, with bits that mean nothing.
    """
    try:
        data = b64decode(text, validate=True)
    except ValueError as error:
        raise Misspelled(f"{_shown(text)} is not base64") from error
    if base64_of(data) != text:
        raise Misspelled(f"{_shown(text)} is not the one base64 of its bytes")
    if length is not None and len(data) != length:
        raise Misspelled(f"{_shown(text)} has {len(data)} bytes, not {length}")
    return data


def number_of(text: str) -> int:
    """Return the number that *text* spells: decimal digits, no sign, no leading zero, below 2**63.

    Raises ``Misspelled`` for every other text.
    """
    if not _NUMBER.fullmatch(text) or int(text) >= 2**63:
        raise Misspelled(f"{_shown(text)} is not a number in plain decimal digits")
    return int(text)


def _shown(text: str) -> str:
    return ascii(text if len(text) <= 60 else f"{text[:57]}...")
