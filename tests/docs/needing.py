"""Programs that examples call and that a machine may lack."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable

import pytest

# For SQL the program is sqlite3; what else examples call is on every machine with bash.
PROGRAMS = {"bash": "bash", "curl": "curl", "jq": "jq", "sqlite3": "sqlite3", "sql": "sqlite3"}


def skip_without(texts: Iterable[str]) -> None:
    """Skip the test that calls this when a program that *texts* call is not installed."""
    text = "\n".join(texts)
    needed = {program for word, program in PROGRAMS.items() if re.search(rf"\b{word}\b", text)}
    missing = sorted(program for program in needed if shutil.which(program) is None)
    if missing:
        pytest.skip(f"not installed here: {', '.join(missing)}")
