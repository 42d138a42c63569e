"""A scripted server, and Ada's client of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from clawtrail import Client
from clawtrail.transport import Retrying
from tests.support.scripted_server import ScriptedServer

TOKEN = "ctc_ada-keeps-this-to-herself"

QUICKLY = Retrying(tries=5, first=0.001, longest=0.01)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A real HTTP server that says what the test writes down."""
    with ScriptedServer().running() as running:
        yield running


@pytest.fixture
def ada(server: ScriptedServer) -> Iterator[Client]:
    """Ada's client of the scripted server; it retries without long pauses."""
    with Client(server.url, TOKEN, timeout=5.0, retrying=QUICKLY) as client:
        yield client
