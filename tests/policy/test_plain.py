"""Text that is one plain command: what we read out of it is what a shell would run, or we read nothing."""

import shlex
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.policy.plain import words_of

# Pieces that shells treat in their own ways, mixed with ordinary ones.
_PIECES = st.sampled_from(
    [
        *("a", "b1", "word", " ", " ", "  "),
        *"\t'\"\\$`~^=#*?[]{},!|&;<>()\n-/.:@%+\r\x0b\u00a0\u0416",
        *("'x y'", '"x y"', "$(id)", "${x}", "a=b", "~root", "''", '""', "--"),
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(_PIECES, min_size=1, max_size=8).map("".join))
def test_what_we_read_is_what_a_shell_runs(text: str) -> None:
    """For any text that counts as plain, sh makes the same words of it."""
    words = words_of(text)
    if words is None:
        return
    told = subprocess.run(
        ["/bin/sh", "-c", f"printf '%s\\0' {text}"], capture_output=True, check=True, cwd="/"
    ).stdout.decode()
    assert tuple(told.split("\0")[:-1]) == words
    assert tuple(shlex.split(text)) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("git status", ("git", "status")),
        ("  git\t log  -5 ", ("git", "log", "-5")),
        ("echo 'a  b' \"c;d\"", ("echo", "a  b", "c;d")),
        ("git diff HEAD~1 HEAD^", ("git", "diff", "HEAD~1", "HEAD^")),
        ("echo a'b'\"c\"", ("echo", "abc")),
        ("echo ''", ("echo", "")),
        ("echo a=b", ("echo", "a=b")),
    ],
)
def test_plain_commands_are_read(text: str, words: tuple[str, ...]) -> None:
    """Literal words, quoted or not, are read."""
    assert words_of(text) == words


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "a;b", "a b\n", "$x", "a~ ~b", "~/x", "x=1 a", "a #b", "a *", "a {b,c}", "a > b", "a \\b"),
        *('"$x"', "'a", 'a"b', "a\u00a0b", "a 'b\nc'", "x" * 8193, 'a "!b"', "a\r"),
    ],
)
def test_everything_else_is_not_read(text: str) -> None:
    """What a shell would expand, join, redirect, assign or wait for is nothing that a rule speaks of."""
    assert words_of(text) is None
