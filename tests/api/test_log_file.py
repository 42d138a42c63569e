"""The write-ahead log's way back into the database, while somebody reads for long."""

from __future__ import annotations

import subprocess
import time

import pytest

from app import janitor
from tests.support.asking import submit
from tests.support.service import Caller, RunningService


def test_a_reader_that_stays_holds_up_nobody(
    service: RunningService, ada: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody's shell with an open look at an old state does not delay the janitor or a submission."""
    monkeypatch.setattr(janitor, "TRUNCATE_BYTES", 1)
    path = service.inside.settings.data / "clawtrail.db"
    submit(ada)
    # A process of its own: closing a file lets go of all locks that this one has on it.
    with subprocess.Popen(
        ["sqlite3", "-readonly", path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as shell:
        assert shell.stdin
        assert shell.stdout
        print("BEGIN; SELECT count(*) FROM events;", file=shell.stdin, flush=True)
        before = shell.stdout.readline()
        submit(ada)
        began = time.monotonic()
        service.pass_time(1000)
        submit(ada)
        assert time.monotonic() - began < 2
        print("SELECT count(*) FROM events;", file=shell.stdin, flush=True)
        assert shell.stdout.readline() == before
        shell.stdin.close()
    service.pass_time(1000)
    assert path.with_name("clawtrail.db-wal").stat().st_size == 0
