"""Kind file-write: exactly the bytes, whole or not at all."""

import base64
import hashlib
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.recorded_run import RecordedRun, order
from worker.executors import file_write
from worker.items import Ending


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of its own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def write(**payload: Any) -> Ending:  # noqa: ANN401
    """Write a file."""
    return file_write.run(order(**payload), RecordedRun())


def digest(data: bytes) -> str:
    """Give the SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("content", ["", "  blanks stay \n\n", "ünï ☃\r\nmixed\nends\r", "$& $1 %s \\n"])
def test_text_is_written_to_the_byte(home: Path, content: str) -> None:
    """Nothing is trimmed, translated or expanded."""
    ending = write(path="f", content=content)
    data = content.encode()
    assert (home / "f").read_bytes() == data
    assert ending == Ending(
        0,
        metadata={"sha256Before": None, "sha256After": digest(data), "bytes": len(data), "created": True},
    )


def test_base64_is_written_as_the_bytes_it_stands_for(home: Path) -> None:
    """Any bytes can be written."""
    data = bytes(range(256))
    assert write(path="~/f", content=base64.b64encode(data).decode(), encoding="base64").exit_code == 0
    assert (home / "f").read_bytes() == data


def test_bad_base64_writes_nothing(home: Path) -> None:
    """What is not base64 is refused before the file is touched."""
    ending = write(path="f", content="not base64!", encoding="base64")
    assert ending.exit_code == 1
    assert ending.error is not None
    assert ending.error.startswith("The content is not base64")
    assert not (home / "f").exists()


def test_old_file_is_replaced_with_its_mode_kept(home: Path) -> None:
    """The digests of both versions are told, and the file keeps its permissions."""
    (home / "f").write_bytes(b"old")
    (home / "f").chmod(0o640)
    ending = write(path=str(home / "f"), content="new")
    assert ending.metadata is not None
    assert ending.metadata["sha256Before"] == digest(b"old")
    assert ending.metadata["created"] is False
    assert (home / "f").stat().st_mode & 0o7777 == 0o640


def test_new_file_has_the_mode_of_any_new_file(home: Path) -> None:
    """The safe mode of the temporary file is not what is left behind."""
    write(path="f", content="x")
    (home / "plain").touch()
    assert (home / "f").stat().st_mode == (home / "plain").stat().st_mode


def test_folders_are_made(home: Path) -> None:
    """Missing folders on the way are made."""
    assert write(path="a/b/c/f", content="x").exit_code == 0
    assert (home / "a/b/c/f").read_text() == "x"


def test_writing_through_a_link_keeps_the_link(home: Path) -> None:
    """The file that the link leads to gets the content, also if it is not there yet."""
    (home / "real").write_text("old")
    (home / "link").symlink_to("real")
    (home / "dangling").symlink_to("folder/later")
    assert write(path="link", content="new").exit_code == 0
    assert write(path="dangling", content="made").exit_code == 0
    assert (home / "link").is_symlink()
    assert (home / "real").read_text() == "new"
    assert (home / "folder/later").read_text() == "made"


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("folder", "Is a directory: folder"),
        ("pipe", "Not a regular file: pipe"),
        ("file/below", "Cannot write file/below: Not a directory"),
        ("/dev/null", "Not a regular file: /dev/null"),
    ],
)
def test_what_is_no_file_is_not_replaced(home: Path, path: str, error: str) -> None:
    """Folders, pipes and devices stay what they are."""
    (home / "folder").mkdir()
    (home / "file").touch()
    os.mkfifo(home / "pipe")
    assert write(path=path, content="x") == Ending(1, error, "failed")
    assert (home / "pipe").is_fifo()


@contextmanager
def small_files(size: int) -> Iterator[None]:
    """Let the system refuse to write files beyond *size* bytes, as a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_full_disk_leaves_the_old_file(home: Path) -> None:
    """When the new content does not fit, the old is there to the byte, and no rest of the attempt."""
    (home / "f").write_bytes(b"old")
    with small_files(1000):
        ending = write(path="f", content="x" * 5000)
    assert ending == Ending(1, "Cannot write f: File too large", "failed")
    assert (home / "f").read_bytes() == b"old"
    assert [entry.name for entry in home.iterdir()] == ["f"]


def test_readers_see_the_old_or_the_new(home: Path) -> None:
    """The file is exchanged in one step: who has it open reads the old to its end."""
    (home / "f").write_bytes(b"old")
    with (home / "f").open("rb") as reader:
        write(path="f", content="new")
        assert reader.read() == b"old"
    assert (home / "f").read_bytes() == b"new"


def test_lone_surrogates_are_refused(home: Path) -> None:
    """Text that has no bytes in UTF-8 is refused, not mended."""
    assert write(path="f", content="\ud800").exit_code == 1
    assert not (home / "f").exists()
