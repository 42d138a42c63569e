"""What the tests of agents share: a home folder with stand-ins for them, one a module."""

from collections.abc import Iterator

import pytest

from tests.support.agents import Home
from tests.support.fake_server import FakeServer
from tests.worker.conftest import StartWorker, fake, start_worker

__all__ = ["FakeServer", "StartWorker", "fake", "start_worker"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A home folder in which Claude Code, Codex and Gemini are installed."""
    made = Home(tmp_path_factory.mktemp("home"))
    yield made
    made.sessions.close()
