"""The sinks of OpenClaw: its command line in a container, for which a program stands in, and its gateway."""

import json
import sys
from pathlib import Path

import pytest

from tests.support.scripted_server import DROP, Reply, ScriptedServer, page, reply
from tests.support.told import ended
from tests.support.worker_process import eventually, lives
from worker.callbacks import openclaw_cli
from worker.callbacks.openclaw_cli import OpenClawCli
from worker.callbacks.openclaw_hooks import OpenClawHooks
from worker.callbacks.sink import NotSent

TOKEN = "the-token-of-the-gateway"

DOCKER = """
import json, os, sys, time
here = os.path.dirname(os.path.abspath(sys.argv[0]))
with open(os.path.join(here, "calls"), "a") as calls:
    calls.write(json.dumps({"argv": sys.argv[1:], "env": dict(os.environ)}) + "\\n")
what = open(os.path.join(here, "what")).read()
if what == "hang":
    child = os.spawnlp(os.P_NOWAIT, "sleep", "sleep", "60")
    with open(os.path.join(here, "child"), "w") as file:
        file.write(str(child))
    time.sleep(60)
if what == "restart":
    sys.stderr.write("first\\nError response from daemon: container is restarting\\x1b[0m\\n")
    sys.exit(1)
"""


class Container:
    """A folder with a program ``docker`` that does as a test says and keeps its calls."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        program = folder / "docker"
        program.write_text(f"#!{sys.executable} -IS\n{DOCKER}")
        program.chmod(0o755)
        self.sink = OpenClawCli("openclaw-bot", env={"PATH": f"{folder}:/usr/bin:/bin", "HOME": "/nowhere"})
        self.does("send")

    def does(self, what: str) -> None:
        """Say what the program does from now on."""
        (self._folder / "what").write_text(what)

    def calls(self) -> list[dict[str, list[str]]]:
        """List how it was called."""
        return [json.loads(line) for line in (self._folder / "calls").read_text().splitlines()]


@pytest.fixture
def container(tmp_path: Path) -> Container:
    """The bot's container."""
    return Container(tmp_path)


def test_openclaw_is_called_without_a_shell(container: Container) -> None:
    """The message is one word of the command, whatever is in it, and mentions nobody."""
    output = "--help $(reboot) `id`; \"'\\ @everyone"
    container.sink.send(ended(plain=True, output=output, channel="42"), "a-token")
    (call,) = container.calls()
    assert call["argv"][:-1] == [
        *("exec", "openclaw-bot", "node", "openclaw.mjs", "message", "send"),
        *("--channel", "discord", "--target", "channel:42", "-m"),
    ]
    assert call["argv"][-1] == output.replace("@", "@\u200b")
    assert set(call["env"]) - {"LC_CTYPE"} == {"PATH", "HOME"}


def test_container_that_is_away_is_worth_another_try(container: Container) -> None:
    """The last line of what docker said is the reason."""
    container.does("restart")
    with pytest.raises(NotSent) as trouble:
        container.sink.send(ended(), None)
    assert str(trouble.value) == "docker ended with 1: Error response from daemon: container is restarting"
    assert trouble.value.again


def test_docker_that_hangs_is_stopped(
    container: Container, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is ended with what it started, after its time."""
    monkeypatch.setattr(openclaw_cli, "LONGEST_S", 0.5)
    container.does("hang")
    with pytest.raises(NotSent, match="docker did not end within"):
        container.sink.send(ended(), None)
    eventually(lambda: not lives(int((tmp_path / "child").read_text())))


def test_without_docker_it_is_said(tmp_path: Path) -> None:
    """There is no other try."""
    with pytest.raises(NotSent, match="docker cannot be started: No such file") as trouble:
        OpenClawCli("bot", env={"PATH": str(tmp_path)}).send(ended(), None)
    assert not trouble.value.again


@pytest.mark.parametrize("end", ["", "/", "/hooks", "/hooks/agent"])
def test_gateway_is_asked_to_tell_the_channel(chat: ScriptedServer, end: str) -> None:
    """However much of the address was set; the same end has the same key at every try."""
    chat.on("POST", "/hooks/agent", reply(200, {"ok": True, "runId": "1"}))
    sink = OpenClawHooks(f"{chat.url}{end}", TOKEN)
    sink.send(ended(channel="42", output="Hi @here"), "a-token-of-discord")
    sink.send(ended(channel="42"), None)
    first, second = chat.asked
    assert first.headers["Authorization"] == f"Bearer {TOKEN}"
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"] == "task-1-1"
    said = first.json
    assert (said["deliver"], said["channel"], said["to"]) == (True, "discord", "channel:42")
    assert "📎 sessionId: `" in str(said["message"])
    assert "@here" not in str(said["message"])


@pytest.mark.parametrize(
    ("answer", "again"),
    [
        (reply(401, f"{TOKEN} is wrong"), False),
        (reply(302, {}, Location="http://169.254.169.254/"), False),
        (reply(500, {}), True),
        (reply(429, {}, Retry_After="3"), True),
        (reply(200, {"ok": False}), True),
        (page(200, "<h1>nginx</h1>"), True),
        (DROP, True),
    ],
)
def test_no_of_the_gateway(chat: ScriptedServer, answer: Reply, again: bool) -> None:  # noqa: FBT001
    """Its token is in no error."""
    chat.on("POST", "/hooks/agent", answer)
    with pytest.raises(NotSent) as trouble:
        OpenClawHooks(chat.url, TOKEN).send(ended(), None)
    assert trouble.value.again is again
    assert TOKEN not in str(trouble.value)


def test_channels_are_numbers() -> None:
    """As everywhere at Discord."""
    for sink in (OpenClawHooks("http://127.0.0.1", TOKEN), OpenClawCli("bot", env={})):
        assert sink.refuses("42") is None
        assert sink.refuses("--help") is not None
