"""Canonical JSON: one text for one value, as RFC 8785 says, and nothing that has no such text."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clawtrail.formats import canonical
from clawtrail.formats.canonical import MAX_SAFE_INTEGER, NotCanonical

INTEGERS = st.integers(-MAX_SAFE_INTEGER, MAX_SAFE_INTEGER)
WORDS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | INTEGERS | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_it_is_json_of_the_same_value(value: object) -> None:
    """Read back, the text is the value; written again, it is the same text."""
    written = canonical.text(value)
    assert json.loads(written) == value
    assert canonical.text(json.loads(written)) == written
    assert canonical.encode(value) == written.encode("utf-8")


@given(st.dictionaries(WORDS, INTEGERS, min_size=2))
def test_the_order_of_making_does_not_matter(value: dict[str, int]) -> None:
    """The same entries put in backwards give the same text."""
    assert canonical.text(dict(reversed(value.items()))) == canonical.text(value)


def test_keys_are_sorted_by_their_utf_16_units() -> None:
    """The example of RFC 8785, section 3.2.3: an emoji sorts before a letter of the private area."""
    keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    expected = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
    assert list(json.loads(canonical.text(dict.fromkeys(keys, 0)))) == expected


@pytest.mark.parametrize(
    ("string", "written"),
    [
        ('\u20ac$\u000f\nA\'B"\\\\"/', '"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'),
        ("\b\t\n\f\r\x00\x1f", '"\\b\\t\\n\\f\\r\\u0000\\u001f"'),
        ("\x7f\u2028\U0001f600", '"\x7f\u2028\U0001f600"'),
    ],
)
def test_strings_are_escaped_as_the_standard_says(string: str, written: str) -> None:
    """Only quotes, backslashes and control characters are escaped, in the shortest way (section 3.2.2.2)."""
    assert canonical.text(string) == written


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        float("nan"),
        2**53,
        -(2**53),
        "\ud800",
        {"\udfff": 1},
        {1: 2},
        {None: 1},
        b"x",
        {1, 2},
        object(),
        [[0.5]],
    ],
)
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    """Fractions, huge integers, lone surrogates, keys that are no strings and foreign things are refused."""
    with pytest.raises(NotCanonical):
        canonical.text(value)


def test_the_largest_integers_are_taken() -> None:
    """Up to 2^53 - 1 every reader of JSON agrees on the number."""
    assert (
        canonical.text([MAX_SAFE_INTEGER, -MAX_SAFE_INTEGER, True])
        == "[9007199254740991,-9007199254740991,true]"
    )
