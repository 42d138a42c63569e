"""Server and worker killed at random moments, under load: what was acknowledged is never lost."""

from pathlib import Path

from benchmarks.crash.running import run

KILLS = 25
SEED = 20_260_101


def test_nothing_is_lost_in_crashes(tmp_path: Path) -> None:
    """After 25 kills every acknowledged task is there, none ran twice, and the record is whole."""
    report = run(tmp_path / "data", kills=KILLS, seed=SEED)

    assert report.faults == []
    assert report.states["completed"] > KILLS
    assert sum(report.states.values()) >= report.acknowledged > KILLS
