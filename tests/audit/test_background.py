"""The check that the server has made in the background: when, by whom, and what becomes of its result."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

import pytest

from app.auditing import remembering
from tests.support import cast
from tests.support.patience import until
from tests.support.service import RunningService, running_service

HOUR_MS = 3_600_000
TEN_MINUTES_MS = 600_000


def checked(service: RunningService, *, after_ms: int = HOUR_MS) -> bool:
    """Let the clock stand at the next check, and return how it ended."""
    before = service.inside.audit.last
    service.clock.move(after_ms)
    until(lambda: service.inside.audit.last is not before, within=60)  # it runs at low priority
    last = service.inside.audit.last
    assert last is not None
    return last.ok


def is_idle(service: RunningService) -> bool:
    """Say whether no check was made or started."""
    return service.inside.audit.last is None and not service.inside.audit.is_running


def test_the_record_is_checked_once_an_hour(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A good check is remembered and the next goes on from it; a bad one is told in every way there is."""
    with running_service(tmp_path, audit_every="1h") as service:
        task = service.as_(cast.ADA).post("/tasks", {"command": "true"}).get_json()["taskId"]
        assert service.inside.audit.last is None
        assert checked(service)
        assert remembering.load(remembering.place(tmp_path / "clawtrail.db")).tasks == 1
        with sqlite3.connect(tmp_path / "clawtrail.db", timeout=10) as conn:
            conn.execute("UPDATE tasks SET priority = 7 WHERE id = ?", (task,))
        conn.close()
        with caplog.at_level(logging.ERROR, "clawtrail.audit"):
            assert not checked(service)
        assert "its priority is 7, the record says 0" in caplog.text
        assert service.count_events("audit.failed") == 1
        metrics = service.as_(cast.MAX).get("/metrics").get_data(as_text=True)
        assert "clawtrail_audit_ok 0.0" in metrics


def test_the_first_check_does_not_wait_for_a_day(tmp_path: Path) -> None:
    """A record that was never checked is checked ten minutes after the start, not before."""
    with running_service(tmp_path, audit_every="24h") as service:
        service.pass_time(TEN_MINUTES_MS - 1000)
        assert is_idle(service)
        assert checked(service, after_ms=1000)


def test_no_check_is_made_when_it_is_switched_off(tmp_path: Path) -> None:
    """With ``none`` the time never comes."""
    with running_service(tmp_path, audit_every="none") as service:
        service.pass_time(1000 * HOUR_MS)
        assert is_idle(service)
        assert not remembering.place(tmp_path / "clawtrail.db").exists()
