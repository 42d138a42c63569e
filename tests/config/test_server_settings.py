"""The server's settings: where they come from, what is refused, and that secrets stay secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.server import ServerSettings, SettingsFault, load

TOKEN = "0123456789abcdef-strong"


def test_without_anything_the_defaults_hold() -> None:
    """No environment and no file: loopback, port 3456, no shared token, a folder of the user's own."""
    found = load({})
    assert (found.host, found.port, found.shared_token) == ("127.0.0.1", 3456, None)
    assert found.url == f"sqlite:///{found.data / 'clawtrail.db'}"


@pytest.mark.parametrize(
    ("name", "value", "field", "expected"),
    [
        ("WORKER_TOKEN", TOKEN, "shared_token", TOKEN),
        ("CLAWTRAIL_SHARED_TOKEN", TOKEN, "shared_token", TOKEN),
        ("WORKER_PORT", "4000", "port", 4000),
        ("CLAWTRAIL_PORT", "0", "port", 0),
        ("CLAWTRAIL_WAIT_PORT", "4001", "wait_port", 4001),
        ("CLAWTRAIL_RATE_LIMIT", "none", "rate_limit", ""),
        ("CLAWTRAIL_DATABASE_URL", "sqlite:////x/y.db", "url", "sqlite:////x/y.db"),
    ],
)
def test_each_name_is_understood(name: str, value: str, field: str, expected: object) -> None:
    """Our names and those of old deployments set the same things."""
    assert getattr(load({name: value}), field) == expected


def test_our_name_wins_over_the_old_one() -> None:
    """Where both are given, the CLAWTRAIL name counts."""
    assert load({"WORKER_PORT": "4000", "CLAWTRAIL_PORT": "5000"}).port == 5000


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    """A settings file may hold comments, quotes and ``export``; the environment counts more."""
    file = tmp_path / "server.env"
    file.write_text(
        "# a comment\n\nexport CLAWTRAIL_HOST='10.0.0.1'\nCLAWTRAIL_PORT=4000\nCLAWTRAIL_THREADS = \"8\"\n",
        encoding="utf-8",
    )
    found = load({"CLAWTRAIL_CONFIG": str(file), "CLAWTRAIL_PORT": "5000"})
    assert (found.host, found.port, found.threads) == ("10.0.0.1", 5000, 8)
    assert load({}, config=file).port == 4000


@pytest.mark.parametrize("name", ["WORKER_TOKEN", "CLAWTRAIL_SHARED_TOKEN", "CLAWTRAIL_DATABASE_URL"])
def test_a_secret_can_come_from_a_file(tmp_path: Path, name: str) -> None:
    """``NAME_FILE`` gives the content of the file, without the line's end; ``NAME`` itself counts more."""
    file = tmp_path / "secret"
    file.write_text(f"{TOKEN}\n", encoding="utf-8")
    field = "database_url" if "URL" in name else "shared_token"
    assert getattr(load({f"{name}_FILE": str(file)}), field) == TOKEN
    assert getattr(load({f"{name}_FILE": str(file), name: f"other-{TOKEN}"}), field) == f"other-{TOKEN}"


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_secret_file_that_cannot_be_read_is_a_fault(tmp_path: Path, content: bytes | None) -> None:
    """A missing or garbled NAME_FILE stops the start instead of running without the secret."""
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsFault, match="WORKER_TOKEN_FILE"):
        load({"WORKER_TOKEN_FILE": str(file)})


@pytest.mark.parametrize(
    "token",
    ["change-me", "short", "aaaaaaaaaaaaaaaaaaaaaaaa", "abababababababababab", " " * 20 + "x", "password"],
)
def test_a_weak_shared_token_is_refused(token: str) -> None:
    """Short, well-known and monotonous tokens are refused, without being repeated in the message."""
    with pytest.raises(SettingsFault) as refusal:
        load({"WORKER_TOKEN": token})
    assert "openssl rand" in str(refusal.value)
    assert token not in str(refusal.value)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    """Every fault of environment, file and secret files stands in one message, one a line."""
    file = tmp_path / "server.env"
    file.write_text("CLAWTRAIL_PORT=seventy\nthis line says nothing\n", encoding="utf-8")
    with pytest.raises(SettingsFault) as refusal:
        load(
            {
                "CLAWTRAIL_CONFIG": str(file),
                "WORKER_TOKEN": "change-me",
                "CLAWTRAIL_MAX_WAITING": "0",
                "CLAWTRAIL_LOG_LEVEL": "LOUD",
                "CLAWTRAIL_DATABASE_URL_FILE": str(tmp_path / "missing"),
            },
        )
    lines = str(refusal.value).splitlines()
    assert len(lines) == 6, lines
    told = ("PORT", "server.env:2", "WORKER_TOKEN", "MAX_WAITING", "LOG_LEVEL", "DATABASE_URL_FILE")
    assert all(any(name in line for line in lines) for name in told), lines


def test_a_settings_file_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    """A named settings file that cannot be read is not passed over in silence."""
    with pytest.raises(SettingsFault, match="cannot be read"):
        load({"CLAWTRAIL_CONFIG": str(tmp_path / "missing.env")})


def test_an_empty_value_counts_as_none() -> None:
    """``NAME=`` in a unit file or compose file leaves the default."""
    found = load({"WORKER_TOKEN": "", "CLAWTRAIL_PORT": "", "CLAWTRAIL_HOST": ""})
    assert (found.shared_token, found.port, found.host) == (None, 3456, "127.0.0.1")


def test_no_secret_is_shown() -> None:
    """Neither ``repr`` nor ``str`` of the settings holds the shared token."""
    found = load({"WORKER_TOKEN": TOKEN})
    assert TOKEN not in repr(found)
    assert TOKEN not in str(found)


def test_settings_do_not_change() -> None:
    """They are read once; assigning to them is an error."""
    found = load({})
    with pytest.raises(ValueError, match="frozen"):
        found.port = 1  # type: ignore[misc]


def test_every_setting_has_a_name_of_ours_and_a_description() -> None:
    """Each field can be set as CLAWTRAIL_SOMETHING and says what it is for."""
    for name, field in ServerSettings.model_fields.items():
        assert field.description, name
        alias = field.validation_alias
        assert getattr(alias, "choices", [""])[0] == f"CLAWTRAIL_{name.upper()}"
