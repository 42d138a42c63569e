"""Files with secrets in them, as the file kinds show them."""

import base64
from hashlib import sha256
from pathlib import Path

import pytest

from tests.support.recorded_run import RecordedRun, order
from worker.executors import file_edit, file_read, file_write
from worker.masking.streams import Masking

VALUE = "correct horse"
TOKEN = "ghp_" + "aB3d" * 9


@pytest.fixture
def run() -> RecordedRun:
    """A run on a machine with one secret."""
    return RecordedRun(masking=Masking([VALUE]))


@pytest.mark.parametrize("encoding", ["utf8", "base64"])
def test_file_is_shown_masked_in_its_place(tmp_path: Path, run: RecordedRun, encoding: str) -> None:
    """Each byte of a secret is a star, before base64 is made; the digest, which lets guess, is null."""
    file = tmp_path / "conf"
    file.write_text(f"key={VALUE}\nend\n")
    ending = file_read.run(order(path=str(file), encoding=encoding), run)
    shown = base64.b64decode(run.stdout) if encoding == "base64" else run.stdout
    assert shown == b"key=" + b"*" * 13 + b"\nend\n"
    assert ending.metadata is not None
    assert (ending.metadata["sha256"], ending.metadata["size"]) == (None, 22)


def test_digest_of_true_bytes_stays_where_only_a_shape_is_masked(tmp_path: Path, run: RecordedRun) -> None:
    """Nobody guesses a whole token, so its file keeps its digest."""
    file = tmp_path / "conf"
    file.write_text(TOKEN)
    ending = file_read.run(order(path=str(file)), run)
    assert run.stdout == b"*" * 40
    assert ending.metadata is not None
    assert ending.metadata["sha256"] == sha256(TOKEN.encode()).hexdigest()


def test_digests_of_what_was_changed_are_withheld(tmp_path: Path, run: RecordedRun) -> None:
    """Writing over, and editing, a file with a secret tells no digest of it; of what has none, it does."""
    file = tmp_path / "conf"
    file.write_text(f"key={VALUE}\na\n")
    edited = file_edit.run(order(path=str(file), oldString="a\n", newString="b\n"), run).metadata or {}
    assert (edited["sha256Before"], edited["sha256After"]) == (None, None)
    written = file_write.run(order(path=str(file), content="plain"), run).metadata or {}
    assert (written["sha256Before"], written["created"]) == (None, False)
    assert written["sha256After"] == sha256(b"plain").hexdigest()
