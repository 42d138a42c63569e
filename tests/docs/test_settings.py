"""What the documents say of settings is so: defaults, and example files that can be used."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from config import server, worker
from config.server import ServerSettings
from config.sources import names_of
from config.worker import WorkerSettings
from tests.docs.markdown import table_rows, text_of

TOKEN = "one-token-for-all-of-the-cast"


@pytest.mark.parametrize("settings", [ServerSettings, WorkerSettings])
def test_defaults_are_those_of_the_code(settings: type[ServerSettings | WorkerSettings]) -> None:
    """The default that docs/configuration.md gives for a setting is the one in the code."""
    programs, _, _ = text_of("docs/configuration.md").partition("## The client")
    rows = [row for row in table_rows(programs) if row[0].startswith("`")]
    shown = {row[0].split("`")[1]: row[1].strip("`") for row in rows}
    wrong = []
    for key, field in settings.model_fields.items():
        name = names_of(field, key)[0]
        if isinstance(field.default, str | int | float):
            default = str(field.default).removesuffix(".0")
            if shown[name].lower() != default.lower():
                wrong.append(f"{name} is {default}, the document says {shown[name]}")
    assert not wrong


def test_the_servers_example_can_be_used(tmp_path: Path) -> None:
    """With all of config/server.example.env in force the server has settings, and a token from a file."""
    token = tmp_path / "shared.token"
    token.write_text(f"{TOKEN}\n")
    file = _in_force("config/server.example.env", "/etc/clawtrail/shared.token", token)
    settings = server.load({"CLAWTRAIL_CONFIG": str(file)})
    assert (settings.shared_token, settings.wait_port, settings.trusted_proxy) == (TOKEN, 3457, "127.0.0.1")


def test_the_workers_example_can_be_used(tmp_path: Path) -> None:
    """With all of config/worker.example.env in force the worker has settings, and a token from a file."""
    token = tmp_path / "worker.token"
    token.write_text(f"{TOKEN}\n")
    file = _in_force("config/worker.example.env", "~/.config/clawtrail/worker.token", token)
    settings = worker.load(file)
    assert settings.token.get_secret_value() == TOKEN
    assert settings.labels == ["os=macos", "gpu=none"]


def _in_force(example: str, token_file: str, token: Path) -> Path:
    """Return a copy of the example with its settings in force, but for the empty one of the token."""
    file = token.with_name("settings.env")
    text = re.sub(r"^#(\w+=.)", r"\1", text_of(example), flags=re.MULTILINE)
    file.write_text(text.replace(token_file, str(token)))
    return file
