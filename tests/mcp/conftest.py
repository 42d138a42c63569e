"""What the tests of tools share: one service with an agent, and everybody's way to its tools."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from clawtrail import Client, Unauthorized
from tests.support.agents import install
from tests.support.policies import write
from tests.support.processes import Server, start_server, start_worker
from tests.support.tool_calls import Talk, environ_for, talk_on_http, talk_on_stdio
from tests.support.typing_commands import type_in
from tests.support.worker_process import eventually

POLICY = """default = "allow"

[shell]
verdict = "allow"

[[rule]]
name = "may it"
verdict = "ask"
kinds = ["command"]
argv = ["sh", "-c", "ask"]

[[rule]]
name = "never"
verdict = "deny"
kinds = ["command"]
argv = ["sh", "-c", "never"]
"""


@dataclass(frozen=True)
class House:
    """A service with one worker; Ada is a client, Ann approves."""

    server: Server
    folder: Path
    ada: str
    ann: str


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One server and one worker for all tests of tools."""
    folder = tmp_path_factory.mktemp("tools")
    agents, policy = install(folder / "agents", "claude"), write(folder / "policy.toml", POLICY)
    path = {"CLAWTRAIL_WORKER_PATH": f"{agents}:/usr/bin:/bin", "HOME": str(folder)}
    with (
        start_server(folder / "data") as server,
        start_worker(server, folder / "state", "--policy", str(policy), environ=path),
    ):
        ada, ann = (
            type_in(server.environ, "token", "new", "--role", role, "--name", name).text.strip()
            for name, role in (("ada", "client"), ("ann", "approver"))
        )
        with Client(server.url, ann) as client:
            eventually(lambda: _is_known(client))
        yield House(server, folder, ada, ann)


@pytest.fixture(scope="session")
def ways(house: House) -> Iterator[dict[str, Talk]]:
    """The ways to the tools, all of them open."""
    with ExitStack() as stack:
        environ = environ_for(house.server, house.ada)
        yield {
            "stdio": stack.enter_context(talk_on_stdio(environ)),
            "stdio, old era": stack.enter_context(talk_on_stdio(environ, mode="legacy")),
            "http": stack.enter_context(talk_on_http(house.server, house.ada)),
            "http, old era": stack.enter_context(talk_on_http(house.server, house.ada, mode="legacy")),
        }


@pytest.fixture(params=["stdio", "stdio, old era", "http", "http, old era"])
def everywhere(ways: dict[str, Talk], request: pytest.FixtureRequest) -> Talk:
    """Each way to the tools in its turn."""
    return ways[request.param]


@pytest.fixture(params=["stdio", "http"])
def talk(ways: dict[str, Talk], request: pytest.FixtureRequest) -> Talk:
    """Each program that serves the tools in its turn."""
    return ways[request.param]


def _is_known(client: Client) -> bool:
    try:
        client.questions.list()
    except Unauthorized:
        return False
    return True
