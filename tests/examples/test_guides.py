"""What the guides show with an agent is run, against the real service with a stand-in for Claude Code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.markdown import Example, documents, examples, name_of
from tests.docs.needing import skip_without
from tests.examples.conftest import Place

GUIDES = [path for path in documents() if any(one.mark == "agent" for one in examples(path))]


@pytest.mark.parametrize("path", GUIDES, ids=name_of)
def test_examples_with_an_agent_run_as_printed(place: Place, path: Path, tmp_path: Path) -> None:
    """Each example that is marked so ends well, and what Claude Code says comes back."""
    shown = [one for one in examples(path) if one.mark == "agent"]
    skip_without([one.text for one in shown if one.language == "bash"])
    told = [_run(place, one, tmp_path) for one in shown]
    assert sum("round 1: " in one for one in told) >= len(told) // 2


def _run(place: Place, one: Example, folder: Path) -> str:
    by = {"bash": ["bash", "-eo", "pipefail", "-c"], "python": [sys.executable, "-W", "error", "-c"]}
    done = subprocess.run(
        [*by[one.language], one.text],
        env=dict(place.environ),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, f"line {one.line}: {done.stderr}"
    return done.stdout
