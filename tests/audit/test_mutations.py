"""Real databases, altered behind the service's back: somebody notices, or the reason stands in a list."""

from __future__ import annotations

from pathlib import Path

from benchmarks import mutations
from benchmarks.mutating.judging import BY_VERIFY, BY_WITNESS, DEFECT

ALTERATIONS = 500
"""Thousands are made by ``python -m benchmarks.mutations``."""


def test_no_alteration_goes_unnoticed_without_a_reason(tmp_path: Path) -> None:
    """Of 500 alterations every one is found by verify, by a witness, or is of what no event tells."""
    found = mutations.run(ALTERATIONS, 20, tmp_path)
    assert sum(found.values()) == ALTERATIONS
    assert not {key for key in found if key[0] == DEFECT}
    by = {
        verdict: sum(n for (is_, _), n in found.items() if is_ == verdict)
        for verdict in (BY_VERIFY, BY_WITNESS)
    }
    assert by[BY_VERIFY] > ALTERATIONS * 0.7
    assert by[BY_WITNESS] > ALTERATIONS * 0.01
