"""What the documents point at is there: files, headings, commands and their options."""

from __future__ import annotations

import re
import shlex
from importlib import import_module
from pathlib import Path

import click
import pytest

from clawtrail.cli import ENTRIES as COMMANDS
from tests.docs.markdown import anchors, documents, examples, links, name_of, prose
from tests.support.processes import REPOSITORY

NAMED = re.compile(
    r"`((?:app|worker|clawtrail|config|deploy|docs|examples|tests|migrations|benchmarks)/[\w./-]*)`"
)


@pytest.mark.parametrize("path", documents(), ids=name_of)
def test_links_lead_to_headings(path: Path) -> None:
    """Each link to a place in a document leads to a heading there; none leads out of the repository."""
    wrong = []
    for link in links(path):
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        if link.startswith("https://"):
            continue
        if not target.is_relative_to(REPOSITORY) or (anchor and anchor not in anchors(target)):
            wrong.append(link)
    assert not wrong


@pytest.mark.parametrize("path", documents(), ids=name_of)
def test_named_files_exist(path: Path) -> None:
    """Each file or folder that a document names exists."""
    assert [name for name in NAMED.findall(prose(path)) if not (REPOSITORY / name).exists()] == []


@pytest.mark.parametrize("path", documents(), ids=name_of)
def test_commands_are_typed_as_they_are(path: Path) -> None:
    """Each `clawtrail` line of a document names a command that exists, with options that it has."""
    wrong = [
        f"{name_of(path)}:{block.line}: {line}"
        for block in examples(path)
        if block.language == "bash"
        for line in re.findall(r"(?:^|[(|/] ?)clawtrail ((?:[a-z]+)[^|;)\n]*)", block.text, re.MULTILINE)
        if not _is_right(line)
    ]
    assert not wrong


@pytest.mark.parametrize("path", documents(), ids=name_of)
def test_every_document_is_linked(path: Path) -> None:
    """Each document can be reached by links from the README, the list of decisions or the bundle's."""
    starts = [REPOSITORY / name / "README.md" for name in (".", "docs/decisions", "integrations")]
    reached = {(start.parent / link.partition("#")[0]).resolve() for start in starts for link in links(start)}
    assert path in {*reached, *starts}


def _is_right(line: str) -> bool:
    words = (
        shlex.split(line.removesuffix("\\").replace("$(", "").split(" -- ")[0], posix=True)
        if line.count("'") % 2 == 0
        else line.split()
    )
    entry = COMMANDS.get(words[0])
    if entry is None:
        return False
    command = getattr(import_module(entry.module), entry.attribute)
    if isinstance(command, click.Group):
        command = command.get_command(click.Context(command), words[1]) if len(words) > 1 else command
    if command is None:
        return False
    known = {
        option for parameter in command.params for option in [*parameter.opts, *parameter.secondary_opts]
    }
    asked = {word.partition("=")[0] for word in words if word.startswith("--") and word != "--help"}
    return asked <= known
