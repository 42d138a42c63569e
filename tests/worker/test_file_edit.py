"""Kind file-edit: exact replacement, everything else untouched, and a diff that applies."""

import hashlib
import random
import subprocess
from pathlib import Path

import pytest

from tests.support.recorded_run import RecordedRun, order
from worker.executors import file_edit
from worker.executors.diffs import MOST_CHARACTERS, unified
from worker.items import Ending


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of its own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def edit(path: str, old: str, new: str, *, replace_all: bool = False) -> Ending:
    """Edit a file."""
    return file_edit.run(
        order(path=path, oldString=old, newString=new, replaceAll=replace_all), RecordedRun()
    )


@pytest.mark.parametrize(
    ("before", "old", "new", "after"),
    [
        (b"one two three", "two", "2", b"one 2 three"),
        (b"a\r\nb\r\n", "b", "c", b"a\r\nc\r\n"),
        (b"price: x", "x", "$& $1 \\g<0> \\n", b"price: $& $1 \\g<0> \\n"),
        ("grün ☃".encode(), "☃", "\U0001f40d", "grün \U0001f40d".encode()),
        (b"\xff\xfe raw \x00 end", "raw", "cooked", b"\xff\xfe cooked \x00 end"),
        (b"no end of line", " of line", "", b"no end"),
    ],
)
def test_one_piece_changes_and_nothing_else(
    home: Path, before: bytes, old: str, new: str, after: bytes
) -> None:
    """Line ends, bytes that are no text, and signs that other tools expand all stay as they are."""
    (home / "f").write_bytes(before)
    ending = edit("f", old, new)
    assert (home / "f").read_bytes() == after
    assert ending.metadata is not None
    assert ending.metadata["sha256Before"] == hashlib.sha256(before).hexdigest()
    assert ending.metadata["sha256After"] == hashlib.sha256(after).hexdigest()
    assert ending.metadata["replacements"] == 1


@pytest.mark.parametrize(
    ("old", "error"),
    [
        ("z", "old_string not found"),
        ("a", "old_string not unique (3 occurrences)"),
        ("", "old_string is empty"),
    ],
)
def test_what_is_not_found_exactly_once_is_refused(home: Path, old: str, error: str) -> None:
    """None, several, or an empty text to replace: an error, and the file untouched."""
    (home / "f").write_bytes(b"a b a c a")
    assert edit("f", old, "x") == Ending(1, error, "failed")
    assert (home / "f").read_bytes() == b"a b a c a"


def test_all_occurrences_are_replaced_when_asked(home: Path) -> None:
    """With replaceAll each occurrence changes, and they are counted."""
    (home / "f").write_bytes(b"a b a c a")
    ending = edit("f", "a", "aa", replace_all=True)
    assert (home / "f").read_bytes() == b"aa b aa c aa"
    assert ending.metadata is not None
    assert ending.metadata["replacements"] == 3


def test_missing_file_is_named() -> None:
    """There is nothing to edit where there is no file."""
    assert edit("no/such", "a", "b") == Ending(1, "File not found: no/such", "failed")


def test_link_and_mode_stay(home: Path) -> None:
    """Editing through a link changes the file that it leads to, with its mode kept."""
    (home / "real").write_text("abc")
    (home / "real").chmod(0o600)
    (home / "link").symlink_to("real")
    edit("link", "b", "x")
    assert (home / "link").is_symlink()
    assert (home / "real").read_text() == "axc"
    assert (home / "real").stat().st_mode & 0o7777 == 0o600


def test_diff_can_be_applied_by_patch(home: Path) -> None:
    """The diff in the metadata turns the old version into the new one, and back."""
    before = "".join(f"line {number}\n" for number in range(100)) + "last without end"
    (home / "f").write_text(before)
    ending = edit("f", "7", "seven", replace_all=True)
    after = (home / "f").read_text()
    assert ending.metadata is not None
    (home / "d").write_text(str(ending.metadata["diff"]))
    (home / "f").write_text(before)
    subprocess.run(["patch", "-s", "f", "d"], cwd=home, check=True)
    assert (home / "f").read_text() == after
    subprocess.run(["patch", "-s", "-R", "f", "d"], cwd=home, check=True)
    assert (home / "f").read_text() == before


def test_diffs_apply_for_any_change(home: Path) -> None:
    """Changes at the first line, the last line, and at odd places all give diffs that apply."""
    dice = random.Random(7)
    for _ in range(20):
        old = [f"{dice.randrange(8)}\n" for _ in range(dice.randrange(1, 40))]
        new = [line for line in old if dice.random() > 0.2] + [f"{dice.randrange(8)}\n"] * dice.randrange(3)
        before, after = "".join(old).encode(), "".join(new).encode()
        diff = unified(before, after, "f")
        assert diff is not None
        (home / "f").write_bytes(before)
        (home / "d").write_text(diff)
        if diff:
            subprocess.run(["patch", "-s", "f", "d"], cwd=home, check=True)
        assert ((home / "f").read_bytes() if (home / "f").exists() else b"") == after


def test_large_diff_is_left_out(home: Path) -> None:
    """A change that is too large to show is made all the same, and without taking long."""
    (home / "f").write_text("".join(f"line {number}\n" for number in range(200_000)))
    ending = edit("f", "line", "zeile", replace_all=True)
    assert ending.exit_code == 0
    assert ending.metadata is not None
    assert ending.metadata["diff"] is None
    assert unified(b"a" * MOST_CHARACTERS, b"b", "f") is None


def test_small_change_of_a_large_file_has_its_diff(home: Path) -> None:
    """Only what differs is compared, so the size of the file does not matter."""
    (home / "f").write_text("".join(f"line {number}\n" for number in range(200_000)))
    ending = edit("f", "line 150000\n", "zeile\n")
    assert ending.metadata is not None
    assert str(ending.metadata["diff"]).splitlines()[2] == "@@ -149998,7 +149998,7 @@"
