"""Whatever docs/security.md claims names the tests that show it, and each of them exists."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from tests.docs.markdown import table_rows, text_of
from tests.support.processes import REPOSITORY

PAGE = text_of("docs/security.md")
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
ATTACKERS = re.findall(r"^## ((?:A|Somebody) .+)$", PAGE, re.MULTILINE)


def test_seven_attackers_are_told_of() -> None:
    """Each attacker has a line in the short table, a table of claims, and says what remains."""
    assert len(ATTACKERS) == 7
    in_short = {row[0] for row in table_rows(PAGE) if row[0].startswith("[")}
    assert {name.lower() for name in ATTACKERS} == {
        re.sub(r"[][]|\(.*\)", "", row).lower() for row in in_short
    }
    for name in ATTACKERS:
        assert "**Remains**" in _section(name), name


@pytest.mark.parametrize("name", ATTACKERS)
def test_every_claim_names_its_tests(name: str) -> None:
    """Each line of the tables names at least one test that shows it."""
    header, _, *claims = table_rows(_section(name))
    assert header[-1] == "shown by"
    assert claims
    assert [claim[0] for claim in claims if len(claim) != len(header) or not NAMED.search(claim[-1])] == []


def test_every_named_test_exists() -> None:
    """What is named as a test is a function of that name in that file."""
    named = set(NAMED.findall(PAGE))
    assert named
    assert [f"{file}::{test}" for file, test in sorted(named) if test not in _tests_of(file)] == []


def _section(name: str) -> str:
    return PAGE.partition(f"\n## {name}\n")[2].partition("\n## ")[0]


@cache
def _tests_of(file: str) -> set[str]:
    path = REPOSITORY / file
    if not path.is_file():
        return set()
    found = ast.parse(path.read_text(encoding="utf-8")).body
    return {one.name for one in found if isinstance(one, ast.FunctionDef) and one.name.startswith("test_")}
