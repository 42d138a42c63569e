"""The commands ``clawtrail secrets``: set, list and remove, as they are typed."""

from pathlib import Path

import keyring
import pytest
from click.testing import CliRunner, Result

from tests.support.ring import Ring
from worker import secret_file
from worker.secrets_cli import secrets


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the secrets of this test are kept."""
    file = tmp_path / "config/secrets.toml"
    monkeypatch.setenv("CLAWTRAIL_WORKER_SECRETS", str(file))
    return file


def typed(*arguments: str, given: str | bytes = "") -> Result:
    """Type a command, with *given* on its standard input."""
    return CliRunner().invoke(secrets, arguments, input=given)


def test_value_comes_from_standard_input(file: Path) -> None:
    """A value is read whole, but for one line end; names alone are listed; removing takes one out."""
    assert typed("set", "deploy-key", given="line one\nline two\n").exit_code == 0
    assert typed("set", "mail", given=b"p\xc3\xa4ssword\r\n").exit_code == 0
    assert secret_file.read(file) == {"deploy-key": "line one\nline two", "mail": "pässword"}
    assert file.stat().st_mode & 0o777 == 0o600
    assert typed("list").output == "deploy-key\nmail\n"
    assert typed("remove", "mail").exit_code == 0
    assert typed("list").output == "deploy-key\n"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("key", "short", "too short"),
        ("key", "", "empty"),
        ("key", "nul\0in the middle", "NUL"),
        ("key", b"\xff\xfe not text", "UTF-8"),
        ("key", "x" * 17000, "longer"),
        ("a/b", "long enough", "letters"),
    ],
)
def test_what_cannot_be_a_secret_is_refused(file: Path, name: str, value: str | bytes, said: str) -> None:
    """A value that could not be masked or given, or a name that could not be written, changes nothing."""
    result = typed("set", name, given=value)
    assert (result.exit_code, said in result.output) == (2, True)
    assert not file.exists()


def test_short_value_can_be_insisted_on(file: Path) -> None:
    """With --short a value that no mask hides is kept."""
    assert typed("set", "pin", "--short", given="1234").exit_code == 0
    assert secret_file.read(file) == {"pin": "1234"}


def test_file_of_others_is_left_alone(file: Path) -> None:
    """A file that others can read is neither shown nor changed."""
    typed("set", "key", given="long enough")
    file.chmod(0o644)
    before = file.read_bytes()
    for command in (("set", "other"), ("list",), ("remove", "key")):
        result = typed(*command, given="long enough")
        assert (result.exit_code, "chmod 600" in result.output) == (2, True)
    assert file.read_bytes() == before


def test_unknown_name_cannot_be_removed(file: Path) -> None:
    """Removing what is not there is said, with status 2."""
    assert typed("remove", "nothing").exit_code == 2


def test_keyring_keeps_what_it_is_given(file: Path) -> None:
    """With --keyring the file is not touched, and faults of the keyring are a sentence."""
    ring = Ring()
    keyring.set_keyring(ring)
    assert typed("set", "mail", "--keyring", given="post office").exit_code == 0
    assert ring.get_password("clawtrail", "mail") == "post office"
    assert typed("remove", "mail", "--keyring").exit_code == 0
    again = typed("remove", "mail", "--keyring")
    assert (again.exit_code, "keyring says no" in again.output) == (2, True)
    assert not file.exists()
