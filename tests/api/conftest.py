"""The service in this process, and its people at the door."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import cast
from tests.support.machine import Machine
from tests.support.service import Caller, RunningService, running_service


@pytest.fixture
def service(tmp_path: Path) -> Iterator[RunningService]:
    """A fresh service with the whole cast."""
    with running_service(tmp_path / "data") as running:
        yield running


@pytest.fixture
def ada(service: RunningService) -> Caller:
    """Ada, who submits."""
    return service.as_(cast.ADA)


@pytest.fixture
def ben(service: RunningService) -> Caller:
    """Ben, who submits as well."""
    return service.as_(cast.BEN)


@pytest.fixture
def wim(service: RunningService) -> Machine:
    """Wim's machine."""
    return Machine(service.as_(cast.WIM))


@pytest.fixture
def wes(service: RunningService) -> Machine:
    """Wes's machine."""
    return Machine(service.as_(cast.WES))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service that the tests of one file share, for claims that hold whatever else is in it."""
    with running_service(tmp_path_factory.mktemp("house") / "data") as running:
        yield running
