"""What commands inherit: a few names, and the PATH of a login."""

from pathlib import Path

import pytest

from worker import environment


@pytest.fixture
def shell(tmp_path: Path) -> Path:
    """A login shell whose profile the tests write; it speaks before and after."""
    path = tmp_path / "shell"
    path.write_text(f'#!/bin/sh\n. {tmp_path}/profile\nexec /bin/sh -c "$2"\n')
    path.chmod(0o755)
    return path


def test_only_a_few_names_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets and settings of the worker are not among them."""
    monkeypatch.setenv("WORKER_TOKEN", "secret")
    assert set(environment.build(search_path="/bin")) == {
        "PATH",
        "HOME",
        "USER",
        "LANG",
        "TERM",
        "TMPDIR",
        "SHELL",
    }


def test_path_is_that_of_a_login(shell: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the profile adds is there, and what it prints does no harm."""
    (tmp_path / "profile").write_text("echo Welcome; PATH=/opt/own/bin:$PATH; export PATH; cat\n")
    monkeypatch.setenv("SHELL", str(shell))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert environment.build(search_path=None)["PATH"] == "/opt/own/bin:/usr/bin:/bin"


@pytest.mark.parametrize("profile", ["exit 3", "exec sleep 60", "exec >/dev/null"])
def test_unhelpful_login_shell_is_done_without(
    shell: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, profile: str
) -> None:
    """A shell that fails, hangs or says nothing leaves the worker's own PATH."""
    (tmp_path / "profile").write_text(profile)
    monkeypatch.setattr(environment, "LOGIN_SHELL_S", 0.3)
    monkeypatch.setenv("SHELL", str(shell))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert environment.build(search_path=None)["PATH"] == "/usr/bin:/bin"


def test_missing_login_shell_is_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell that is not there is no reason not to start."""
    monkeypatch.setenv("SHELL", "/no/such/shell")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert environment.build(search_path=None)["PATH"] == "/usr/bin:/bin"
