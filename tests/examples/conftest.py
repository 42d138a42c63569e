"""A server, a worker with an agent, and the people around a chat."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from clawtrail import Client, Unauthorized
from tests.support.agents import install
from tests.support.patience import until
from tests.support.policies import write
from tests.support.processes import REPOSITORY, Server, clean_environ, start_server, start_worker
from tests.support.typing_commands import type_in

EXAMPLES = REPOSITORY / "examples"
POLICY = """
default = "allow"

[shell]
verdict = "allow"

[[rule]]
name = "removing"
verdict = "ask"
argv = ["rm", "**"]
"""


@dataclass(frozen=True)
class Place:
    """Where the examples run: the service, a client with the bot's token, and Ann, who approves."""

    server: Server
    folder: Path
    bot: Client
    ann: Client
    environ: Mapping[str, str]

    @contextmanager
    def running(self, *command: str, **environ: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run an example beside the test, with the bot's token, until the block ends."""
        with (self.folder / "example.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *command],
                env={**self.environ, **environ},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
            try:
                yield process
                assert process.poll() is None, self.log()
            finally:
                process.kill()
                process.wait()

    def log(self) -> str:
        """Return what the examples wrote."""
        return (self.folder / "example.log").read_text()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Start server and worker, and make the tokens: the bot's has a budget."""
    folder = tmp_path_factory.mktemp("examples")
    agents = install(folder / "agents", "claude")
    own = {"HOME": str(folder), "CLAWTRAIL_WORKER_PATH": f"{agents}:/usr/bin:/bin"}
    policy = ("--policy", str(write(folder / "policy.toml", POLICY)))
    with start_server(folder / "data") as server:
        bot = _token(server, "--role=client", "--name=bot", "--max-cost-usd=5")
        wim = type_in(server.environ, "token", "new", "--role=worker", "--name=wim").text.strip()
        ann = _token(server, "--role=approver", "--name=ann")
        environ = _with_clawtrail(folder) | {"CLAWTRAIL_URL": server.url, "CLAWTRAIL_TOKEN": bot}
        with (
            start_worker(server, folder / "state", *policy, token=wim, environ=own),
            server.client(bot) as client,
            server.client(ann) as approver,
        ):
            yield Place(server, folder, client, approver, environ)


def _with_clawtrail(folder: Path) -> dict[str, str]:
    """Return an environment in which `clawtrail` is a command, as for somebody who installed it."""
    command = folder / "bin" / "clawtrail"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m clawtrail "$@"\n')
    command.chmod(0o755)
    environ = clean_environ()
    return environ | {"PATH": f"{command.parent}{os.pathsep}{environ['PATH']}"}


def _token(server: Server, *options: str) -> str:
    """Make a token, and wait until it counts."""
    token = type_in(server.environ, "token", "new", *options).text.strip()
    with server.client(token) as client:
        until(lambda: _counts(client))
    return token


def _counts(client: Client) -> bool:
    try:
        client.stats()
    except Unauthorized:
        return False
    return True
