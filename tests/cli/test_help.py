"""The list of commands: quick, true, and clear about what is not installed."""

from __future__ import annotations

import resource
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from clawtrail import __version__, cli
from tests.cli.conftest import Type
from tests.support.processes import REPOSITORY

OURS = [name for name, entry in cli.ENTRIES.items() if entry.module.startswith("clawtrail.commands.")]


def test_help_loads_no_command() -> None:
    """The list is written from names alone: no HTTP client, no server, no rich is loaded for it."""
    code = (
        "import sys, clawtrail.cli as cli\n"
        "try: cli.main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'requests', 'rich', 'flask', 'sqlalchemy', 'pydantic', 'clawtrail.client'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=REPOSITORY, stdout=subprocess.DEVNULL)


def test_help_is_there_at_once() -> None:
    """`clawtrail --help` takes at most 150 ms of processor time, the best of five."""

    def cost() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "clawtrail", "--help"]
        subprocess.run(command, check=True, cwd=REPOSITORY, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(cost() for _ in range(5)) < 0.150


@pytest.mark.parametrize("name", cli.ENTRIES)
def test_every_command_is_listed(typed: Type, name: str) -> None:
    """Each command stands in the list with its line."""
    listed = typed("--help").text
    assert cli.ENTRIES[name].line in listed
    assert f"\n  {name} " in listed


@pytest.mark.parametrize("name", OURS)
def test_the_line_of_a_command_is_its_own_first_sentence(name: str) -> None:
    """The table and the command itself say the same."""
    entry = cli.ENTRIES[name]
    command = getattr(import_module(entry.module), entry.attribute)
    assert command.help.split("\n")[0] == entry.line


@pytest.mark.parametrize("name", sorted(set(OURS) - {"up", "mcp"}))
def test_every_manual_has_examples_and_json(typed: Type, name: str) -> None:
    """Help of a command tells how it is typed, line by line, and offers JSON."""
    manual = typed(name, "--help")
    assert manual.status == 0
    assert f"\n  Examples:\n    clawtrail {name}" in manual.text or f"clawtrail {name} " in manual.text
    assert "--json" in manual.text
    assert max(map(len, manual.text.splitlines())) <= 110


def test_the_version_is_the_packages(typed: Type) -> None:
    """`--version` and the package's metadata agree."""
    assert typed("--version").text == f"clawtrail {__version__}\n"
    setup = (Path(REPOSITORY) / "setup.cfg").read_text()
    assert f"\nversion = {__version__}\n" in setup or "attr: clawtrail.__version__" in setup


def fresh(code: str) -> subprocess.CompletedProcess[str]:
    """Run *code* in a new interpreter."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)


def test_a_missing_server_is_said_in_a_sentence() -> None:
    """Without the server's packages, its commands say how to install them and leave with 2."""
    code = (
        "import sys\n"
        "for name in ('flask', 'sqlalchemy', 'waitress', 'alembic'): sys.modules[name] = None\n"
        "import clawtrail.cli as cli\n"
        "cli.main(['serve', '--data', '/nonexistent/nowhere'])\n"
    )
    ran = fresh(code)
    assert ran.returncode == 2
    assert "pip install 'clawtrail[server]'" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_worker_and_policy_start_without_an_event_loop() -> None:
    """What takes long to load and what no start needs is not loaded, so that these commands begin soon."""
    code = (
        "import sys\n"
        "for name in ('asyncio', 'dotenv', 'rich', 'alembic', 'flask'): sys.modules[name] = None\n"
        "import worker.cli, worker.policy_cli, config.worker\n"
        "print(config.worker.load(CLAWTRAIL_WORKER_TOKEN='a-token').name)\n"
    )
    ran = fresh(code)
    assert ran.stdout.strip(), ran.stderr


def test_an_unknown_command_is_wrong_usage(typed: Type) -> None:
    """A word that is no command is told in one sentence."""
    ran = typed("rnu")
    assert ran.status == 2
    assert ran.err == "clawtrail: No such command 'rnu'. See clawtrail --help\n" or "rnu" in ran.err
