"""A database with Ada's token, and schedules on it."""

from __future__ import annotations

import pytest

from tests.support.database import Database
from tests.support.planning import Planning


@pytest.fixture
def plan(db: Database) -> Planning:
    """Schedules on a fresh database."""
    planning = Planning(db)
    planning.hire()
    return planning
