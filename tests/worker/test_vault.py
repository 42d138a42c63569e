"""The secrets of a machine: who may read their file, what is given by name, what is masked."""

import logging
from pathlib import Path

import keyring
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.ring import Ring
from worker import secret_file
from worker.errors import SecretMissing, SecretsFaulty
from worker.references import named_in
from worker.vault import Vault

VALUE = "correct horse battery"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with one secret."""
    file = tmp_path / "secrets.toml"
    secret_file.write(file, {"deploy-key": VALUE})
    return file


def test_secret_is_given_by_its_whole_name_alone(file: Path) -> None:
    """Only a value that is secret://NAME from end to end stands for a secret."""
    vault = Vault(file)
    assert vault.reveal("secret://deploy-key") == VALUE
    for plain in ("deploy-key", "Bearer secret://deploy-key", "Secret://deploy-key", ""):
        assert vault.reveal(plain) == plain
    for bad in ("secret://", "secret://deploy-key\n", "secret://a/b", "secret://../x", "secret://ü"):
        with pytest.raises(ValueError, match="secret://NAME"):
            named_in(bad)


def test_unknown_secret_is_missing(file: Path) -> None:
    """A name that is nowhere is told as such."""
    vault = Vault(file)
    assert vault.fault_of(["deploy-key"]) is None
    assert vault.fault_of(["deploy-key", "other"]) == "no secret other on this worker"
    with pytest.raises(SecretMissing):
        vault.reveal("secret://other")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o660])
def test_file_that_others_can_read_is_refused(file: Path, mode: int) -> None:
    """Any right of anybody else on the file is one too many."""
    file.chmod(mode)
    with pytest.raises(SecretsFaulty, match="chmod 600"):
        Vault(file)


@pytest.mark.parametrize(
    "text",
    ['key = "s3cret-value', "key = 17", '"a b" = "x"', 'key = ""', "[key]\nx = 's3cret-value'", "\xff"],
)
def test_bad_file_is_told_without_its_values(file: Path, text: str) -> None:
    """What is wrong is said with a name or a line, never with what stands there."""
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(SecretsFaulty) as fault:
        Vault(file)
    assert "s3cret" not in str(fault.value)


def test_changes_are_taken_up_and_old_values_stay_masked(file: Path) -> None:
    """A new value is given and masked at once; the old one is masked still, since what runs may print it."""
    vault = Vault(file)
    secret_file.write(file, {"deploy-key": "another value 2"})
    assert vault.reveal("secret://deploy-key") == "another value 2"
    shown = vault.masking().text(f"{VALUE} and another value 2")
    assert shown == f"{'*' * len(VALUE)} and {'*' * 15}"


def test_file_that_was_opened_to_others_gives_nothing(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    """While others can read the file no secret is given, and all are masked as before."""
    vault = Vault(file)
    file.chmod(0o644)
    with pytest.raises(SecretsFaulty, match="log says why"):
        vault.reveal("secret://deploy-key")
    assert VALUE not in vault.masking().text(VALUE)
    assert "chmod 600" in caplog.text
    file.chmod(0o600)
    assert vault.reveal("secret://deploy-key") == VALUE


def test_file_may_be_missing_unless_it_is_named(tmp_path: Path) -> None:
    """A machine without secrets needs no file; one that is named has to be there."""
    assert Vault(tmp_path / "none.toml").masking().text("plain") == "plain"
    with pytest.raises(FileNotFoundError):
        Vault(tmp_path / "none.toml", must_exist=True)


def test_short_values_are_warned_of(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A value that is too short to be masked is given, and its name is in the log."""
    secret_file.write(file, {"pin": "1234"})
    with caplog.at_level(logging.WARNING):
        assert Vault(file).reveal("secret://pin") == "1234"
    assert "too short" in caplog.text


def test_keyring_is_asked_for_what_the_file_has_not(file: Path) -> None:
    """The system's keyring gives what the file does not, and what it gave is masked."""
    keyring.set_keyring(Ring())
    keyring.set_password("clawtrail", "deploy-key", "not this one")
    keyring.set_password("clawtrail", "mail", "post office box")
    vault = Vault(file)
    assert vault.reveal("secret://deploy-key") == VALUE
    assert vault.reveal("secret://mail") == "post office box"
    assert vault.masking().text("a post office box") == "a " + "*" * 15


@given(
    st.dictionaries(
        st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,9}", fullmatch=True),
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1),
    )
)
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read(values: dict[str, str]) -> None:
    """Any text that can be a value comes back from the file as it was."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "secrets.toml")
        secret_file.write(file, values)
        assert secret_file.read(file) == values
        assert file.stat().st_mode & 0o777 == 0o600
