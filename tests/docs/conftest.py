"""One real server with one real worker, and the surroundings in which a reader would type the examples."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.processes import REPOSITORY, Server, clean_environ, start_server, start_worker
from tests.support.typing_commands import type_in

CAST = {"ada": "client", "root": "admin", "macbook": "worker", "laptop": "worker"}


@dataclass(frozen=True)
class Reader:
    """Somebody who tries the documents: the server at hand, a folder to be in, and an environment."""

    server: Server
    folder: Path
    environ: dict[str, str]
    tokens: dict[str, str]


@pytest.fixture(scope="session")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """Start server and worker and give what the examples count on; one of each for all tests here."""
    folder = tmp_path_factory.mktemp("reader")
    data, home = folder / "data", folder / "home"
    home.mkdir()
    with start_server(data) as server:
        environ = _environ(folder, data, server.url)
        tokens = {name: _new_token(name, role, environ) for name, role in CAST.items()}
        environ |= {
            "CLAWTRAIL_TOKEN": tokens["ada"],
            "ADMIN_TOKEN": tokens["root"],
            "WORKER": tokens["laptop"],
        }
        with start_worker(
            server,
            folder / "state",
            name="macbook",
            token=tokens["macbook"],
            labels=["os=linux"],
            environ={"HOME": str(home)},
        ):
            type_in(environ, "run", "true")  # so that any document finds a task, whichever is read first
            yield Reader(server, folder, environ, tokens)


def _environ(folder: Path, data: Path, url: str) -> dict[str, str]:
    programs = folder / "bin"
    programs.mkdir()
    command = programs / "clawtrail"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m clawtrail "$@"\n')
    command.chmod(0o755)
    for name in ("python", "python3"):
        (programs / name).symlink_to(sys.executable)
    return clean_environ() | {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder / "home"),
        "CLAWTRAIL_URL": url,
        "CLAWTRAIL_DATA": str(data),
        "PYTHONPATH": str(REPOSITORY),
    }


def _new_token(name: str, role: str, environ: dict[str, str]) -> str:
    return type_in(environ, "token", "new", "--role", role, "--name", name).text.strip()
