"""The examples in deploy/ fit the programs: their options exist, their limits agree with the defaults."""

import os
import plistlib
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from click import Command, Context, Option

from clawtrail.cli import clawtrail
from config.server import ServerSettings
from config.worker import WorkerSettings
from tests.support.processes import REPOSITORY

DEPLOY = REPOSITORY / "deploy"
UNITS = ("clawtrail-server.service", "clawtrail-worker.service")


def _text(name: str) -> str:
    return (DEPLOY / name).read_text(encoding="utf-8")


def _plist() -> dict[str, list[str]]:
    content: dict[str, list[str]] = plistlib.loads(_text("org.clawtrail.worker.plist").encode())
    return content


def _command_lines() -> list[list[str]]:
    """Every call of ours in the examples, without the program."""
    lines = [_plist()["ProgramArguments"]]
    for unit in UNITS:
        lines += [
            shlex.split(line) for line in re.findall(r"^ExecStart(?:Pre)?=(.*)$", _text(unit), re.MULTILINE)
        ]
    return [words[1:] for words in lines]


def _seconds(name: str, setting: str) -> int:
    (found,) = re.findall(rf"^\s*{setting}[ =](\d+)s?;?$", _text(name), re.MULTILINE)
    return int(found)


def test_examples_call_us_as_we_are() -> None:
    """Each command line in the examples names a command, and options that this command has."""
    for name, *words in _command_lines():
        command = clawtrail.get_command(Context(clawtrail), name)
        assert isinstance(command, Command), name
        options = {opt for param in command.params if isinstance(param, Option) for opt in param.opts}
        assert {word for word in words if word.startswith("--")} <= options, (name, words)


def test_proxy_holds_waits_longer_than_the_server() -> None:
    """The proxy waits for an answer longer than the server lets anybody wait."""
    longest = ServerSettings.model_fields["max_wait_ms"].default / 1000
    assert _seconds("nginx.conf", "proxy_read_timeout") > longest


def test_proxy_and_server_take_the_same_bodies() -> None:
    """The limit of nginx on bodies is the server's default."""
    (mebibytes,) = re.findall(r"client_max_body_size (\d+)m;", _text("nginx.conf"))
    assert int(mebibytes) * 2**20 == ServerSettings.model_fields["max_body_bytes"].default


def test_services_have_the_time_to_end_well() -> None:
    """Whoever stops a service waits longer than our programs take to end by themselves."""
    drain = WorkerSettings.model_fields["drain"].default
    assert _seconds("clawtrail-server.service", "TimeoutStopSec") > 10
    assert _seconds("clawtrail-worker.service", "TimeoutStopSec") > drain
    assert int(str(_plist()["ExitTimeOut"])) > drain


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_takes_the_units(unit: str, tmp_path: Path) -> None:
    """No fault is found in the units, but that our programs are not installed there."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd is not installed")
    scope = ["--user"] if "%h" in _text(unit) else []
    done = subprocess.run(
        [program, "verify", "--man=no", *scope, str(DEPLOY / unit)],
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    said = (done.stdout + done.stderr).splitlines()
    assert not [line for line in said if "is not executable" not in line]
