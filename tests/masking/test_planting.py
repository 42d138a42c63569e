"""Secrets planted by real tasks: not one byte of them is kept or sent anywhere."""

from pathlib import Path

from benchmarks.planting.running import run


def test_no_secret_is_kept_or_sent(tmp_path: Path) -> None:
    """Three secrets in 13 forms, in files, a diff and a question: no file and no packet has any of them."""
    report = run(tmp_path / "stage", secrets=3, seed=2)
    assert report.faults == []
    assert report.masked > 3 * report.forms
    assert {"traffic", "data/clawtrail.db", "state/journal.db", "server.log", "worker.log"} <= set(
        report.places
    )
