"""Kind file-read: exact bytes, pieces, and refusals that do not block."""

import base64
import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from tests.support.recorded_run import RecordedRun, order
from worker.executors import file_read
from worker.executors.files import MOST_BYTES
from worker.items import Ending


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of its own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def read(**payload: Any) -> tuple[Ending, bytes]:  # noqa: ANN401
    """Read, and give the ending with what was written to stdout."""
    run = RecordedRun()
    return file_read.run(order(**payload), run), run.stdout


@pytest.mark.parametrize("content", ["", "plain\n", "ünï ☃ \U0001f40d\r\nno end", "\ufeffmark first\n"])
def test_text_is_read_to_the_byte(home: Path, content: str) -> None:
    """No byte is changed: line ends, marks and missing line ends stay."""
    (home / "f").write_bytes(content.encode())
    ending, out = read(path="f")
    assert out == content.encode()
    assert ending == Ending(
        0,
        metadata={
            "sha256": hashlib.sha256(out).hexdigest(),
            "size": len(out),
            "mode": f"{(home / 'f').stat().st_mode & 0o7777:04o}",
            "encoding": "utf8",
        },
    )


def test_binary_is_read_as_base64(home: Path) -> None:
    """Asked for as base64, any bytes come through."""
    data = bytes(range(256)) * 10
    (home / "f").write_bytes(data)
    ending, out = read(path="~/f", encoding="base64")
    assert ending.exit_code == 0
    assert base64.b64decode(out, validate=True) == data


def test_binary_as_text_is_refused(home: Path) -> None:
    """What is not UTF-8 is not guessed at; the error tells what to do."""
    (home / "f").write_bytes(b"abc\xff")
    ending, out = read(path="f")
    assert (ending.exit_code, out) == (1, b"")
    assert ending.error == "Not UTF-8 text: f, at byte 3; read it with encoding base64"


def test_pieces_of_text_are_whole_characters(home: Path) -> None:
    """Pieces read one after the other, each from where the last ended, give the whole text."""
    text = "aä☃\U0001f40d" * 50
    (home / "f").write_bytes(text.encode())
    pieces, offset = b"", 0
    while True:
        ending, out = read(path="f", offset=offset, limit=7)
        assert ending.metadata is not None
        assert ending.metadata["offset"] == offset
        out.decode()
        if not out:
            break
        pieces += out
        offset += len(out)
    assert pieces == text.encode()


def test_piece_that_begins_inside_a_character_says_where_it_begins(home: Path) -> None:
    """The rest of a cut character is left out, and the offset told is the real one."""
    (home / "f").write_bytes("☃b".encode())
    ending, out = read(path="f", offset=1, limit=100)
    assert ending.metadata is not None
    assert (out, ending.metadata["offset"], ending.metadata["length"]) == (b"b", 3, 1)


def test_piece_beyond_the_end_is_empty(home: Path) -> None:
    """Reading on after the end is no fault."""
    (home / "f").write_bytes(b"abc")
    ending, out = read(path="f", offset=10)
    assert (ending.exit_code, out) == (0, b"")


def test_large_file_is_refused_with_advice_and_read_in_pieces(home: Path) -> None:
    """A file above the limit is not read whole, but piece by piece."""
    with (home / "f").open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    ending, out = read(path="f")
    assert (ending.exit_code, out) == (1, b"")
    assert ending.error is not None
    assert "read it in pieces with offset and limit" in ending.error
    ending, out = read(path="f", offset=MOST_BYTES, limit=100, encoding="base64")
    assert base64.b64decode(out) == b"\0"
    assert read(path="f", limit=MOST_BYTES)[0].exit_code == 0
    assert read(path="f", limit=MOST_BYTES, encoding="base64")[0].exit_code == 1


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("missing", "File not found: missing"),
        ("", "not a path: it is empty or has a NUL in it"),
        ("a\0b", "not a path: it is empty or has a NUL in it"),
        ("~nobody-here/f", "no such home folder: ~nobody-here/f"),
        ("folder", "Is a directory: folder"),
        ("pipe", "Not a regular file: pipe"),
        ("/dev/zero", "Not a regular file: /dev/zero"),
        ("file/below", "Cannot read file/below: Not a directory"),
        ("loop", "Cannot read loop: Too many levels of symbolic links"),
    ],
)
def test_what_cannot_be_read_is_named(home: Path, path: str, error: str) -> None:
    """Missing files, folders, pipes and devices are refused in a sentence, without waiting for anybody."""
    (home / "folder").mkdir()
    (home / "file").touch()
    os.mkfifo(home / "pipe")
    (home / "loop").symlink_to("loop")
    assert read(path=path)[0] == Ending(1, error, "failed")


def test_link_is_followed(home: Path) -> None:
    """A link to a file reads as the file."""
    (home / "f").write_bytes(b"abc")
    (home / "link").symlink_to("f")
    assert read(path="link")[1] == b"abc"
