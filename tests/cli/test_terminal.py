"""Making foreign text harmless: what may pass to a terminal, and what is shown as its escape."""

from __future__ import annotations

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clawtrail.terminal import Feed, harmless, one_line


def is_harmful(character: str) -> bool:
    """True for what a terminal may obey, hide or turn round, besides line ends and tabs."""
    joins = character in "\u200c\u200d"
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and not joins


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("\x9b2J", "\\x9b2J"),
        ("safe\u202egnp.exe", "safe\\u202egnp.exe"),
        ("a\u2066b\u2069", "a\\u2066b\\u2069"),
        ("\U000e0041", "\\U000e0041"),
        ("half \ud800", "half \\ud800"),
        ("\x7f\x00", "\\x7f\\x00"),
        ("over\rwritten", "over\nwritten"),
        ("dos\r\nlines\tand tabs\n", "dos\nlines\tand tabs\n"),
        ("zwölf 日本語 👩\u200d💻 क्\u200dष", "zwölf 日本語 👩\u200d💻 क्\u200dष"),
    ],
)
def test_known_tricks_are_shown_not_obeyed(text: str, shown: str) -> None:
    """Escape sequences, bidi overrides, invisible and half characters become visible; languages stay."""
    assert harmless(text) == shown


@given(st.text())
def test_nothing_harmful_passes(text: str) -> None:
    """Whatever comes in, only printable characters, line ends and tabs go out."""
    assert not any(is_harmful(character) for character in harmless(text) if character not in "\n\t")


@given(st.text())
def test_one_line_is_one_line(text: str) -> None:
    """A name or a command never takes more than its line."""
    line = one_line(text)
    assert not any(is_harmful(character) for character in line)
    assert len(line.splitlines()) <= 1


@given(st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"])))
def test_what_is_harmless_stays_as_it_is(text: str) -> None:
    """Ordinary text of any language is not touched."""
    assert harmless(text) == one_line(text) == text


@given(st.binary(), st.lists(st.integers(0, 50)))
def test_pieces_show_the_same_as_the_whole(data: bytes, borders: list[int]) -> None:
    """Wherever a stream is cut into pieces, in a character or a line end too, the same is shown."""
    cuts = sorted({0, len(data), *(border for border in borders if border < len(data))})
    feed = Feed()
    shown = "".join(feed.text_of(data[a:b]) for a, b in pairwise(cuts))
    assert shown + feed.text_of(b"", last=True) == harmless(data.decode("utf-8", "replace"))
