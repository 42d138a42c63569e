"""The command line as Ada types it, in this process and in one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from types import TracebackType

import pytest

from clawtrail import cli
from tests.support.processes import clean_environ
from tests.support.scripted_server import ScriptedServer
from tests.support.typing_commands import Typed

TOKEN = "ctc_ada-keeps-this-to-herself"


Type = Callable[..., Typed]


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A real HTTP server that says what the test writes down."""
    with ScriptedServer().running() as running:
        yield running


@pytest.fixture
def environ(server: ScriptedServer) -> dict[str, str]:
    """An environment in which the scripted server is configured."""
    return clean_environ() | {"CLAWTRAIL_URL": server.url, "CLAWTRAIL_TOKEN": TOKEN}


@pytest.fixture
def typed(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> Type:
    """Run `clawtrail ARGUMENTS` in this process, with pipes for its output."""

    def run(*arguments: str) -> Typed:
        for name in os.environ.keys() - environ.keys():
            monkeypatch.delenv(name)
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as left:
            cli.main(arguments)
        out, err = capfdbinary.readouterr()
        assert isinstance(left.value.code, int)
        return Typed(left.value.code, out, err.decode())

    return run


class Spawned(subprocess.Popen[bytes]):
    """A process that does not outlive its ``with``: a test that fails in there is not held up by it."""

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Kill it, if it still runs, and close the pipes."""
        self.kill()
        super().__exit__(kind, value, traceback)


def spawn(*arguments: str, environ: dict[str, str]) -> Spawned:
    """Start `clawtrail ARGUMENTS` as a process of its own, with pipes for all of its streams."""
    return Spawned(
        [sys.executable, "-m", "clawtrail", *arguments],
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
