"""What the tests of the worker share: a stand-in for the service, and real worker processes."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.fake_server import FakeServer
from tests.support.worker_process import WorkerProcess

StartWorker = Callable[..., WorkerProcess]


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    """A service that does as the tests say."""
    with FakeServer() as server:
        yield server


@pytest.fixture
def start_worker(tmp_path: Path, fake: FakeServer) -> Iterator[StartWorker]:
    """Start workers of *fake*, all with the same state folder; none outlives the test."""
    started: list[WorkerProcess] = []

    def start(*options: str, **environ: str) -> WorkerProcess:
        started.append(WorkerProcess(fake.url, tmp_path, *options, **environ))
        return started[-1]

    yield start
    for worker in started:
        worker.clean_up()
