"""Looks for values in bytes: as they were printed, and once more as base64, as output travels."""

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.planting.printing import forms

_LEAST = 6


def needles(value: str) -> dict[str, bytes]:
    """Give what to look for: each form, without the ends that base64 shares with its neighbours."""
    found = {}
    for name, text in forms(value).items():
        data = text.encode(errors="surrogateescape")
        found[name] = data[2:-4] if name.startswith("base64") else data
    return found


def found_in(data: bytes, wanted: Mapping[str, bytes]) -> Iterator[str]:
    """Give the names of those of *wanted* that are in *data*, as they are or in base64."""
    for name, needle in wanted.items():
        if any(shape in data for shape in _shapes(needle)):
            yield name


def _shapes(needle: bytes) -> Iterator[bytes]:
    yield needle
    for before in range(3):
        shape = base64.b64encode(b"\0" * before + needle)[2 * (before > 0) + 2 : -4]
        if len(shape) >= _LEAST:
            yield shape


def files_of(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Give every file below *folder* with its bytes."""
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            yield str(file.relative_to(folder)), file.read_bytes()
