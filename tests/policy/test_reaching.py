"""Where words lead under the rules of an owner, by which name a program runs, and what a yes is for."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.policy.world import World
from tests.support.policies import write
from worker.policy.loading import load
from worker.policy.warnings import warnings_of
from worker.verdicts import Verdict

TOOLS = """[[rule]]
name = "tools"
verdict = "allow"
argv = ["dd|tar|ls", "**"]
options = ["-*", "--*", "-I/usr/include"]
cwd = ["~/code/**"]
within = ["~/code/**"]
"""

Ask = Callable[..., Verdict]


@pytest.fixture
def ask(world: World, tmp_path: Path) -> Ask:
    """Ask about words, in the folder of the project, under a rule with ``within`` and any options."""
    guard = world.guard(write(tmp_path / "p.toml", TOOLS))

    def verdict(*argv: str, **payload: object) -> Verdict:
        cwd = str(world.home / "code" / "project")
        given = {"argv": [world.filled(word) for word in argv], "cwd": cwd} | payload
        return guard(world.claim("command", **given))

    return verdict


@pytest.mark.parametrize(
    "word",
    [
        *("of={M}", "if=/etc/passwd", "@/etc/passwd", "@../../Notes/list", "file:///etc/passwd", "x=~/Notes"),
        *("--file=/etc/passwd", "--file=../../Notes", "-C/etc", "-I../../Notes", "-X~/Notes", "--a=b,/etc"),
        *(
            "a,../../.ssh/id_secret,ro",
            "=link-to-secret",
            "x=link-to-ssh,ro",
            "~root/x",
            "~/x",
            "~nobody-at-all",
        ),
        *(
            "../../Notes/hard-link-to-secret",
            "x:../../Notes/hard-link-to-secret",
            "=" * 40 + "/etc",
            "<.env",
            ".env",
        ),
    ],
)
def test_no_part_of_a_word_leads_out_of_the_trees(ask: Ask, word: str) -> None:
    """What stands behind ``=``, ``:``, ``,`` or ``@``, or is glued to an option, is a path like any other."""
    assert ask("dd", word).answer == "ask"


@pytest.mark.parametrize(
    "word",
    [
        *("of=src/new", "README.md", "tests/test_one.py::test_it", "HEAD~1:README.md", "--since=yesterday"),
        *("-I/usr/include", "--all", "v1..v2", "x" * 300, "README.md/none", "--", "-I./src", "a=b=c"),
    ],
)
def test_ordinary_words_stay_within(ask: Ask, word: str) -> None:
    """Words without a way out are taken, and so is an option that the rule spells out."""
    assert ask("dd", word).rule == "tools"


def test_allowed_program_runs_under_the_name_that_it_is_known_by(ask: Ask, world: World) -> None:
    """A path that leads to the same file gives it no other name: some find their settings by it."""
    (world.home / "code" / "project" / "links" / "ls").symlink_to("/bin/ls")
    try:
        verdict = ask("{H}/code/project/links/ls", "src")
    finally:
        (world.home / "code" / "project" / "links" / "ls").unlink()
    assert verdict.rule == "tools"
    assert verdict.plan is not None
    assert verdict.plan.argv == ("ls", "src")


@pytest.mark.parametrize(
    "payload",
    [
        {"argv": ["sh", *["-e"] * 100, "run.sh"]},
        {"argv": ["sh", *[f"x{n}" for n in range(100)], "run.sh"]},
        {"argv": ["bash", "--init-file=run.sh"]},
        {"command": "sh ~/code/scripts/run.sh; true", "cwd": "~"},
        {"command": 'sh "$HOME/code/scripts/run.sh"', "cwd": "~"},
        {"command": "sh <run.sh | cat"},
        {"command": "cd ~/code/scripts && sh run.sh", "cwd": "~"},
    ],
)
def test_a_yes_is_for_the_script_as_it_was(ask: Ask, world: World, payload: dict[str, object]) -> None:
    """However a task names a script, another content is another digest, and the question shows the file."""
    folder = world.home / "code" / "scripts"
    folder.mkdir(exist_ok=True)
    payload = {"cwd": str(folder), "argv": None} | payload
    script = write(folder / "run.sh", "echo one\n")
    try:
        first = ask(**payload)
        write(script, "echo two\n")
        second = ask(**payload)
    finally:
        script.unlink()
        folder.rmdir()
    assert (first.answer, second.answer) == ("ask", "ask")
    assert first.digest != second.digest


@pytest.mark.parametrize("word", ["x" * 300, "x/" * 3000, "\udc80", "~" * 300, "=" * 300, "a" * 5000])
def test_strange_words_are_asked_about_like_others(ask: Ask, word: str) -> None:
    """What no file can be called is no reason to refuse a task without a question."""
    assert ask("sh", word).rule == "default"
    assert ask(argv=None, command=f"true; sh '{word}'").rule == "shell"


def test_more_files_than_a_yes_can_be_for_are_denied(ask: Ask, tmp_path: Path) -> None:
    """A task that names hundreds of files is neither asked about nor run."""
    files = [write(tmp_path / f"{n}.txt", "x") for n in range(257)]
    verdict = ask("cat", *map(str, files))
    assert (verdict.answer, verdict.rule) == ("deny", "too many files")
    assert ask("cat", *map(str, files[:200])).answer == "ask"


def test_a_yes_is_for_the_program_wherever_it_lies(ask: Ask, world: World) -> None:
    """A program that only the task's own PATH leads to is told with its place and is in the digest."""
    env = {"PATH": f"/nowhere:{world.home}/Notes/bin"}
    tool = write(world.home / "Notes" / "bin" / "tool", "#!/bin/sh\necho one\n")
    tool.chmod(0o755)
    try:
        first = ask("tool", env=env)
        write(tool, "#!/bin/sh\necho two\n").chmod(0o755)
        second = ask("tool", env=env)
    finally:
        tool.unlink()
    assert first.answer == "ask"
    assert f"program {tool}" in (first.describe or "")
    assert first.plan is not None
    assert first.plan.program == Path(os.path.realpath(tool))
    assert first.digest != second.digest


@pytest.mark.parametrize(
    ("keys", "warned"),
    [
        ('argv = ["python3", "*"]', "python3"),
        ('argv = ["python3", "-c", "**"]', "python3"),
        ('argv = ["git", "log", "**"]', "git"),
        ('argv = ["git", "log", "**"]\noptions = ["-*"]', "git"),
        ('argv = ["busybox", "**"]', "busybox"),
        ('argv = ["*", "--version"]', "any program at all"),
        ('argv = ["cat", "**"]\ncwd = ["~/code/**"]', "without within"),
        ('argv = ["deploy"]\nenv = ["*"]', "who may set PATH"),
        ('argv = ["deploy"]\nenv = ["GIT_*"]', "who may set GIT_PAGER"),
        ('argv = ["deploy"]\nenv = ["TOKEN", "DEPLOY_*"]', None),
        ('argv = ["git", "log", "**"]\noptions = ["--oneline"]', None),
        ('argv = ["make", "test|check"]\ncwd = ["~/code/**"]', None),
        ('argv = ["cat", "**"]\ncwd = ["~/code/**"]\nwithin = ["~/code/**"]', None),
    ],
)
def test_check_points_out_what_is_wider_than_it_looks(keys: str, warned: str | None) -> None:
    """Open options, open words and open first words of a rule that allows are told, the rest is not."""
    told = list(warnings_of(load(f'[[rule]]\nname = "r"\nverdict = "allow"\n{keys}\n'.encode())))
    assert [str(warned) in one for one in told] == ([True] if warned else [])
