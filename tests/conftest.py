"""What every test may ask for; ``pytest --hypothesis-profile long`` lets Hypothesis look longer."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.database import Database

# Commits on a busy disk have no even pace, so no example is judged by its duration.
settings.register_profile("suite", deadline=None, print_blob=True)
settings.register_profile("long", deadline=None, print_blob=True, max_examples=20_000)
settings.load_profile("suite")


# A shell has what it starts in the background ignore Ctrl-C, and every command under test would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_WAITING = ("contract", "witness", "crash", "quickstart", "docs", "cli", "sandbox", "agents", "worker")
"""Folders whose tests wait for processes more than they work."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what waits: the rest fills the gaps, and no long file is left for the end."""
    here = Path(__file__).parent
    items.sort(key=lambda item: item.path.relative_to(here).parts[0] not in _WAITING)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    """A fresh database with its one writer, opened as the service opens it."""
    opened = Database(tmp_path)
    yield opened
    opened.let_go()
