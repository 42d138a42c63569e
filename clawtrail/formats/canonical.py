"""Canonical JSON (RFC 8785), restricted to what the record holds: no fractions, no huge integers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

MAX_SAFE_INTEGER = 2**53 - 1

quote: Callable[[str], str] = json.encoder.encode_basestring
"""Return a string as JSON text, escaped as RFC 8785 says; fast, and without the checks of ``text``."""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


_encode_sorted = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), allow_nan=False, sort_keys=True
).encode


class NotCanonical(ValueError):
    """The value has no canonical form: a fraction, an integer beyond 2^53 or a lone surrogate."""


def text(value: object) -> str:
    """Return the one canonical JSON text of *value*.

    Takes dicts with string keys, lists, tuples, strings, booleans, None and integers of at most
    2^53 - 1 in size; refuses anything else with ``NotCanonical``. Keys are sorted by their UTF-16
    code units and strings escaped as RFC 8785 sections 3.2.2.2 and 3.2.3 say.
    """
    if type(value) is dict and _is_plain(value):
        return _encode_sorted(value)
    return _encode(_ordered(value))


def encode(value: object) -> bytes:
    """Return the canonical JSON of *value* as UTF-8 bytes; refuses what ``text`` refuses."""
    return text(value).encode("utf-8")


def _is_plain(value: dict[Any, Any]) -> bool:
    """Say whether the fast encoder's order and escapes are the canonical ones: ASCII and small numbers."""
    for key, item in value.items():
        if not (type(key) is str and key.isascii()):
            return False
        kind = type(item)
        if kind is str:
            if not item.isascii():
                return False
        elif kind is not int or not -MAX_SAFE_INTEGER <= item <= MAX_SAFE_INTEGER:
            return False
    return True


def _ordered(value: object) -> Any:  # noqa: ANN401 - any JSON value
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _checked(value)
    if isinstance(value, int):
        if abs(value) > MAX_SAFE_INTEGER:
            raise NotCanonical(f"integer beyond 2^53: {value}")
        return value
    if isinstance(value, Mapping):
        return {_checked(key): _ordered(value[key]) for key in sorted(value, key=_utf16)}
    if isinstance(value, list | tuple):
        return [_ordered(item) for item in value]
    raise NotCanonical(f"{type(value).__name__} has no canonical form")


def _checked(string: str) -> str:
    if string.isascii():
        return string
    try:
        string.encode("utf-8")
    except UnicodeEncodeError as error:
        raise NotCanonical("lone surrogate in a string") from error
    return string


def _utf16(key: object) -> bytes:
    if not isinstance(key, str):
        raise NotCanonical(f"object key is not a string: {key!r}")
    return key.encode("utf-16-be", "surrogatepass")
