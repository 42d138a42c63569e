"""Sealed secrets: opened with their key for what they were sealed for, and not otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.storage import sealing
from app.storage.key_file import KeyUnusable


def test_what_was_sealed_is_opened_with_the_same_file(tmp_path: Path) -> None:
    """The key is made once, for its owner alone; no two seals of one text are alike."""
    path = tmp_path / "clawtrail.seal"
    first, second = sealing.ensure(path), sealing.ensure(path)
    sealed = first.seal("é secret", about="a")
    assert second.open(sealed, about="a") == "é secret"
    assert first.seal("é secret", about="a") != sealed
    assert path.stat().st_mode & 0o777 == 0o600


def test_nothing_else_opens_it(tmp_path: Path) -> None:
    """Another name, another key, a changed or a short text: None, and no error."""
    sealer, other = sealing.ensure(tmp_path / "a.seal"), sealing.ensure(tmp_path / "b.seal")
    sealed = sealer.seal("secret", about="a")
    assert sealer.open(sealed, about="b") is None
    assert other.open(sealed, about="a") is None
    assert [sealer.open(sealed[:size], about="a") for size in (0, 5, 12, len(sealed) - 1)] == [None] * 4
    assert sealer.open(sealed[:-1] + bytes([sealed[-1] ^ 1]), about="a") is None


@pytest.mark.parametrize("text", ["", "no key", "ab" * 31, "zz" * 32, "é" * 10])
def test_a_file_that_is_no_key_is_refused(tmp_path: Path, text: str) -> None:
    """The server says so and what to do, and leaves the file as it is."""
    path = tmp_path / "clawtrail.seal"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(KeyUnusable, match="move it away"):
        sealing.ensure(path)
    assert path.read_text() == text


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    """As for the key that signs: whoever has read it can open what is sealed."""
    path = tmp_path / "clawtrail.seal"
    sealing.ensure(path)
    path.chmod(0o640)
    with pytest.raises(KeyUnusable, match="chmod 600"):
        sealing.ensure(path)
