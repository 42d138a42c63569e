"""A policy from its text: what is taken, and how faults are told."""

from pathlib import Path

import pytest

from tests.policy.world import World
from tests.support.processes import REPOSITORY
from worker.policy.loading import PolicyFaulty, load
from worker.policy.presets import ALLOW_ALL, careful


def faults_of(text: str) -> list[tuple[int, str]]:
    """Load *text*, which is no policy, and give its faults."""
    with pytest.raises(PolicyFaulty) as caught:
        load(text.encode())
    return caught.value.faults


def test_shipped_policies_can_be_used(world: World) -> None:
    """The careful policy is the example in config, and allow-all says in its first line what it is."""
    assert careful() == (REPOSITORY / "config/policy.example.toml").read_bytes()
    assert load(careful()).default == "ask"
    assert load(ALLOW_ALL.encode()).default == "allow"
    assert ALLOW_ALL.splitlines()[0].startswith("# ALLOWS EVERYTHING")


def test_every_fault_is_told_with_its_line() -> None:
    """Unknown keys, missing ones and wrong values are told together, each where it stands."""
    text = """default = "maybe"
colour = "red"

[shell]
verdict = "allow"
extra = 1

[[rule]]
verdict = "allow"
argv = ["ls"]

[[rule]]
name = "two"
verdict = "permit"
stdin = "yes"
"""
    told = faults_of(text)
    assert [line for line, _ in told] == [1, 2, 6, 8, 14, 15]
    assert any("colour: this key means nothing here" in fault for _, fault in told)
    assert any("name: this key has to be there" in fault for _, fault in told)


@pytest.mark.parametrize(
    ("rule", "line", "said"),
    [
        ('argv = ["git", "**", "x"]', 4, "last word"),
        ('argv = ["**"]', 4, "the program, has to be named"),
        ('argv = ["ls"]\ncwd = ["code"]', 5, "begins with / or ~"),
        ('argv = ["ls"]\ncwd = ["~/../x"]', 5, "no .."),
        ('argv = ["ls"]\nshell = true', 1, "never takes shell text"),
        ('options = ["-l"]', 1, "there is no argv"),
        ('argv = ["ls"]\npaths = ["~/x"]', 1, "make two rules"),
        ('argv = ["git", "status"]\nmatch = ["git status", "git push"]', 5, "does not match 'git push'"),
        ('argv = ["git", "**"]\nnot_match = ["git push"]', 5, "it matches 'git push'"),
        ('argv = ["git", "**"]\nmatch = ["git log; ls"]', 5, "does not match 'git log; ls'"),
        ('paths = ["~/Notes/**"]\nmatch = ["~/Notes/.git/config"]', 5, "does not match"),
    ],
)
def test_rule_that_does_not_fit_is_told(rule: str, line: int, said: str) -> None:
    """A rule whose keys contradict each other, or its own examples, is refused at load."""
    [(where, fault)] = faults_of(f'[[rule]]\nname = "r"\nverdict = "allow"\n{rule}\n')
    assert (where, said in fault) == (line, True), fault


def test_rules_have_names_of_their_own() -> None:
    """Two rules of one name could not be told apart on the record."""
    one = '[[rule]]\nname = "r"\nverdict = "deny"\nargv = ["x"]\n'
    assert faults_of(one + one) == [(6, "rule 'r', another rule is called 'r'")]


@pytest.mark.parametrize(
    ("data", "line"), [(b"default = \n", 1), (b"\n\n[[rule]\n", 3), (b'default = "ask"\n\xff\n', 2)]
)
def test_what_is_no_toml_is_told_with_its_line(data: bytes, line: int) -> None:
    """A slip of syntax, or bytes that are no text, is one fault with its line."""
    with pytest.raises(PolicyFaulty) as caught:
        load(data)
    assert [where for where, _ in caught.value.faults] == [line]


def test_deny_comes_before_ask_before_allow(tmp_path: Path) -> None:
    """Rules are tried in the order of their verdicts, then of the file."""
    text = "".join(
        f'[[rule]]\nname = "{name}"\nverdict = "{verdict}"\nargv = ["ls"]\n'
        for name, verdict in (("a1", "allow"), ("k1", "ask"), ("d1", "deny"), ("a2", "allow"), ("d2", "deny"))
    )
    assert [rule.name for rule in load(text.encode()).rules] == ["d1", "d2", "k1", "a1", "a2"]
