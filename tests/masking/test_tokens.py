"""Tokens that nobody told the worker of: their shapes, and what only looks like one."""

import random

import pytest

from benchmarks.masking import NO_SHAPE, recall
from benchmarks.real_looking import made, sections
from worker.masking import tokens
from worker.masking.known import masked
from worker.masking.streams import SHAPES_ALONE
from worker.masking.tokens import TokenStream

SECTIONS = sections()
AROUND = SECTIONS.pop("surroundings")
HARMLESS = SECTIONS.pop("harmless")
MISSED = {"secretKey: {b:40}", "AWS_SECRET={b:40}", "xoxr-{a:12}", "AUTHORIZATION: BEARER {w:40}"}


@pytest.mark.parametrize("maker", sorted(SECTIONS.keys() - {NO_SHAPE}))
def test_tokens_are_found_in_any_surroundings(maker: str) -> None:
    """Every recipe but the few that are written down as missed is masked in all surroundings."""
    rnd = random.Random(3)
    found = {recipe: recall(recipe, AROUND, len(AROUND), rnd) for recipe in SECTIONS[maker]}
    assert {recipe for recipe, share in found.items() if share < 1} <= MISSED


def test_what_only_looks_like_a_token_is_left() -> None:
    """Placeholders, addresses, words: shown as they are, but for one made of x."""
    assert [text for text in HARMLESS if SHAPES_ALONE.text(text) != text] == [HARMLESS[0]]


def test_what_says_where_a_password_is_stays_readable() -> None:
    """Of a URL only the password is masked, of a header only what follows the scheme."""
    assert SHAPES_ALONE.text("GET https://ada:hunter22@x.org/") == "GET https://ada:********@x.org/"
    assert SHAPES_ALONE.text("Authorization: Basic YWRhOmh1bnQ=") == "Authorization: Basic " + "*" * 12


def test_signs_miss_nothing() -> None:
    """The quick look for signs finds every token that the large expression would find anywhere."""
    rnd = random.Random(9)
    for recipes in SECTIONS.values():
        for recipe in recipes:
            line = rnd.choice(AROUND).replace("@@", made(recipe, rnd)[0]).encode()
            assert TokenStream().feed(line, last=True) == masked(line, _everywhere(line)), line


def _everywhere(data: bytes) -> list[tuple[int, int]]:
    spans, at = [], 0
    while found := tokens.WHOLE.search(data, at):
        spans.append(found.span(found.lastgroup or 0))
        at = found.end()
    return spans
