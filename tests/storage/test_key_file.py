"""The file of the signing key: made once, for its owner alone, refused when it is not as it should be."""

from __future__ import annotations

import os
import stat
from hashlib import sha256
from pathlib import Path

import pytest

from app.storage import key_file
from app.storage.key_file import KeyUnusable


def test_a_key_is_made_once(tmp_path: Path) -> None:
    """The first start makes a key, and every later one finds the same."""
    path = tmp_path / "clawtrail.key"
    made = key_file.ensure(path, origin=None)
    assert str(key_file.ensure(path, origin=None).verifier) == str(made.verifier)
    assert key_file.load(path).secret() == made.secret()
    assert [each.name for each in tmp_path.iterdir()] == ["clawtrail.key"]


def test_two_keys_are_two_keys(tmp_path: Path) -> None:
    """No two records have the same key or the same name."""
    one, two = (key_file.ensure(tmp_path / name, origin=None).verifier for name in ("one.key", "two.key"))
    assert one.public_key != two.public_key
    assert one.name != two.name


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    """Whatever the umask allows, the file is for its owner alone."""
    before = os.umask(0)
    try:
        key_file.ensure(tmp_path / "clawtrail.key", origin=None)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "clawtrail.key").stat().st_mode) == 0o600


def test_its_name_is_made_of_the_key(tmp_path: Path) -> None:
    """Without a name of its own, a log is named by the digest of its public key."""
    verifier = key_file.ensure(tmp_path / "clawtrail.key", origin=None).verifier
    assert verifier.name == f"clawtrail.local/{sha256(verifier.public_key).hexdigest()[:8]}"


def test_its_name_can_be_given_before_it_is_made(tmp_path: Path) -> None:
    """A new key signs under the origin that the settings name, and keeps it when they name none."""
    path = tmp_path / "clawtrail.key"
    assert key_file.ensure(path, origin="tasks.example.net/log").name == "tasks.example.net/log"
    assert key_file.ensure(path, origin=None).name == "tasks.example.net/log"


def test_a_key_keeps_its_name(tmp_path: Path) -> None:
    """Another origin in the settings is refused, with what to do."""
    path = tmp_path / "clawtrail.key"
    key_file.ensure(path, origin="tasks.example.net/log")
    with pytest.raises(KeyUnusable, match="move the file away"):
        key_file.ensure(path, origin="other.example.net/log")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_file_for_others_is_refused(tmp_path: Path, mode: int) -> None:
    """A key that others may read or write is not used, and the sentence says how to mend it."""
    path = tmp_path / "clawtrail.key"
    key_file.ensure(path, origin=None)
    path.chmod(mode)
    with pytest.raises(KeyUnusable, match=f"chmod 600 {path}"):
        key_file.ensure(path, origin=None)


@pytest.mark.parametrize("content", [b"", b"nothing", b"\xff\xfe", b"PRIVATE+KEY+a+00000000+AA=="])
def test_a_file_that_is_no_key_is_refused(tmp_path: Path, content: bytes) -> None:
    """What is no key is neither used nor overwritten."""
    path = tmp_path / "clawtrail.key"
    path.touch(mode=0o600)
    path.write_bytes(content)
    with pytest.raises(KeyUnusable, match="There is no key in the file"):
        key_file.ensure(path, origin=None)
    assert path.read_bytes() == content


def test_an_altered_key_is_refused(tmp_path: Path) -> None:
    """A key whose text was changed in one place does not pass for another key."""
    path = tmp_path / "clawtrail.key"
    text = key_file.ensure(path, origin=None).secret()
    path.write_text(text.replace("clawtrail.local", "clawtrail.lokal"))
    with pytest.raises(KeyUnusable, match="the id of the key is"):
        key_file.load(path)


def test_a_folder_is_no_key(tmp_path: Path) -> None:
    """What cannot be read is refused with the system's reason."""
    (tmp_path / "clawtrail.key").mkdir(mode=0o700)
    with pytest.raises(KeyUnusable, match="Is a directory"):
        key_file.ensure(tmp_path / "clawtrail.key", origin=None)


def test_what_a_crash_left_is_no_hindrance(tmp_path: Path) -> None:
    """Half a key from a start that was cut off is thrown away, and a whole one is made."""
    (tmp_path / "clawtrail.key.new").write_text("PRIVATE+KEY+cl")
    assert key_file.ensure(tmp_path / "clawtrail.key", origin=None).secret()
    assert not (tmp_path / "clawtrail.key.new").exists()
