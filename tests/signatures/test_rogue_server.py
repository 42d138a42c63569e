"""A server that was taken over, against a real worker process: nothing runs but what was signed, once."""

from __future__ import annotations

from pathlib import Path

from benchmarks import rogue_server


def test_nothing_that_a_rogue_server_tries_is_run(tmp_path: Path) -> None:
    """Of 400 attempts, over restarts and with the clock set back, none runs; the good tasks between do."""
    campaign = rogue_server.run(400, 7, tmp_path)
    assert campaign.tried.total() >= 400
    assert not campaign.ran
    assert len(campaign.good) >= 12
