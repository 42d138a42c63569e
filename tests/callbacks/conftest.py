"""What the tests of callbacks share: a chat, and workers that have agents and the chat's address."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.agents import install
from tests.support.scripted_server import ScriptedServer
from tests.support.worker_process import WorkerProcess
from tests.worker.conftest import StartWorker, fake, start_worker

__all__ = ["StartWorker", "fake", "start_worker"]

StartMessenger = Callable[..., WorkerProcess]


@pytest.fixture
def chat() -> Iterator[ScriptedServer]:
    """The chat's API."""
    with ScriptedServer().running() as server:
        yield server


@pytest.fixture
def start(start_worker: StartWorker, tmp_path: Path, chat: ScriptedServer) -> StartMessenger:
    """Start a worker that has Claude Code, and the chat's address from old settings."""
    folder = install(tmp_path / "agents", "claude")
    own = {"CLAWTRAIL_WORKER_PATH": f"{folder}:/usr/bin:/bin", "CALLBACK_API_BASE_URL": chat.url}

    def begin(*options: str, **environ: str) -> WorkerProcess:
        return start_worker(*options, **{**own, **environ})

    return begin
