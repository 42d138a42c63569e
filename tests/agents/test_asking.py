"""Tools that people are asked about: the hook, the answers, and a no whenever something goes wrong."""

import json
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.agents import Home, Told, install
from tests.support.fake_server import FakeServer
from tests.support.policies import write
from tests.support.recorded_run import RecordedRun
from tests.worker.conftest import StartWorker
from worker import hook
from worker.executors.agents.asking import ToolDesk, is_asked
from worker.executors.agents.planning import Terms
from worker.items import Ending
from worker.orders import AgentCall, Decision

ASKING = Terms(ask_tools=("Bash", "mcp__*"))
YES, NO = (
    Decision(allowed=True, why="people said yes"),
    Decision(allowed=False, why="people said no: not now"),
)
PROGRAM = Path(__file__).parents[1] / "support" / "stand_in_hooked.py"


@pytest.fixture
def hooked(home: Home) -> Iterator[Home]:
    """The home folder with a Claude Code that runs hooks."""
    with home.instead("claude-cli", install(home.folder / "hooked", "claude", program=PROGRAM) / "claude"):
        yield home


def ask(home: Home, prompt: str, answer: Callable[[str], Decision], terms: Terms = ASKING) -> Told:
    """Ask the agent, with people who answer so."""
    return home.ask("claude-cli", prompt, terms=terms, answer=answer)


def test_people_decide_on_each_use(hooked: Home) -> None:
    """A yes lets the tool be used, a no does not and says why; the run goes on either way."""
    told = ask(hooked, "Bash rm notes\nBash ls\nRead a", lambda said: NO if "rm notes" in said else YES)
    assert told.ending.exit_code == 0
    assert told.stdout.decode().split("\n") == [
        "not done: people said no: not now",
        "done: people said yes",
        "done unasked",
    ]


def test_decided_uses_are_on_the_record_once(hooked: Home) -> None:
    """What was asked is told with its verdict, everything else without; nothing twice."""
    told = ask(hooked, "Bash rm notes\nRead a\nmcp__mail__send b", lambda said: YES if "mail" in said else NO)
    assert sorted(zip([tool for tool, _ in told.tools], told.verdicts, strict=True)) == [
        ("Bash", "deny"),
        ("Read", None),
        ("mcp__mail__send", "allow"),
    ]


def test_people_see_what_would_be_done(hooked: Home) -> None:
    """The question shows tool, input, folder and rule harmlessly, and each use is a question of its own."""
    told = ask(hooked, "Bash rm \x1b[2J\nBash rm \x1b[2J", lambda _said: NO)
    first, second = told.asked
    assert first[0] == "agents.claude: ask_tools"
    assert "whether it may use Bash\ncommand: rm \\x1b[2J" in first[2]
    assert f"folder  {hooked.folder}" in first[2]
    assert first[1] != second[1]


@pytest.mark.parametrize("before", ["", "x" * 150, "x" * 185, "x" * 480])
def test_secrets_are_masked_before_anything_is_cut(hooked: Home, before: str) -> None:
    """Neither question nor record shows a piece of a token, wherever the text is cut to its length."""
    told = ask(
        hooked, f"Bash {before} ghp_{'aB3d' * 9} end\nRead {before} ghp_{'aB3d' * 9}", lambda _said: NO
    )
    assert len(told.tools) == 2
    assert not any("aB3d" in said for said in (*(said for _, said in told.tools), told.asked[0][2]))


def test_without_a_worker_the_hook_blocks(home: Home, tmp_path: Path) -> None:
    """Nobody at the socket, no secret, a wrong secret, no input or no python: exit code 2, never another."""
    run = RecordedRun()
    desk = ToolDesk(AgentCall("claude", None, None, resume=False, ask_tools=("*",)), home.folder, run.ask)
    settings = json.loads(desk.settings.read_text())
    [entry] = settings["hooks"]["PreToolUse"]
    command = entry["hooks"][0]["command"]
    event = json.dumps({"tool_name": "Bash", "tool_input": {}})

    def block(said: str, line: str = command) -> tuple[int, str]:
        done = subprocess.run(
            ["/bin/sh", "-c", line], input=said, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout

    assert block("no JSON") == (2, "")
    assert block(event, command.replace(sys.executable, "/nowhere/python")) == (2, "")
    (desk.folder / "secret").write_text("wrong")
    code, said = block(event)
    assert (code, '"deny"' in said) == (0, True)
    desk.close()
    assert block(event) == (2, "")
    assert not desk.folder.exists()
    assert run.asked == []


def test_nonsense_at_the_socket_is_refused(home: Home) -> None:
    """What is no question of our hook gets a no, and the desk goes on."""
    run = RecordedRun()
    desk = ToolDesk(AgentCall("claude", None, None, resume=False, ask_tools=("*",)), home.folder, run.ask)
    secret = (desk.folder / "secret").read_text()
    for said in (b"\n", b"[]\n", b"{}\n", json.dumps({"secret": secret, "event": {}}).encode() + b"\n"):
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(desk.folder / "worker.sock"))
            line.sendall(said)
            assert json.loads(line.makefile("rb").readline())["decision"] == "deny"
    assert desk.folder.stat().st_mode & 0o077 == 0
    desk.close()
    assert run.asked == []


def test_time_of_waiting_does_not_count(hooked: Home) -> None:
    """A run that waits longer for people than it has time is not stopped for that."""
    waited = threading.Event()

    def late(_said: str) -> Decision:
        waited.wait(1.2)
        return YES

    told = home_ask(hooked, "Bash ls", late, timeout_ms=1000)
    assert (told.ending.exit_code, told.stdout) == (0, b"done: people said yes")


def home_ask(home: Home, prompt: str, answer: Callable[[str], Decision], *, timeout_ms: int) -> Told:
    """Ask with a time."""
    return home.ask("claude-cli", prompt, terms=ASKING, answer=answer, timeout_ms=timeout_ms)


def test_end_of_the_run_is_a_no(hooked: Home) -> None:
    """A run that is cancelled while it waits ends, and its hook with it."""
    asked, over = threading.Event(), threading.Event()

    def never(_said: str) -> Decision:
        asked.set()
        over.wait(20)
        return NO

    cancelled = Ending(-1, "Cancelled", "cancelled")
    told = hooked.ask(
        "claude-cli",
        "Bash ls",
        terms=ASKING,
        answer=never,
        stop=lambda _run: cancelled if asked.is_set() else None,
    )
    over.set()
    assert told.ending.reason == "cancelled"


def test_names_of_tools() -> None:
    """A pattern is a name, a glob, or several of them; what a tool is given does not count."""
    assert is_asked("Bash", ["Read", "Write|Bash"])
    assert is_asked("mcp__mail__send", ["mcp__*"])
    assert not is_asked("bash", ["Bash"])
    assert not is_asked("BashOutput", ["Bash"])


def test_worker_asks_the_service_in_a_run(
    fake: FakeServer, start_worker: StartWorker, tmp_path: Path
) -> None:
    """A real worker puts the question, runs on, hears the answer by its sync, and tells it."""
    folder = install(tmp_path / "agents", "claude", program=PROGRAM)
    text = 'default = "allow"\n[agents.claude]\nask_tools = ["Bash"]\n'
    policy = write(tmp_path / "asking.toml", text)
    worker = start_worker("--policy", str(policy), CLAWTRAIL_WORKER_PATH=f"{folder}:/usr/bin:/bin")
    task = fake.submit("claude-cli", prompt="Bash rm notes\nBash ls", timeout=1000)
    fake.until(lambda: fake.questions)
    [first] = fake.questions.values()
    assert first["rule"] == "agents.claude: ask_tools"
    assert "rm notes" in first["describe"]
    assert len(first["digest"]) == len(first["policyHash"]) == 64
    fake.reply(first["approval"], "deny", "keep them")
    fake.until(lambda: len(fake.questions) == 2)
    fake.reply([*fake.questions][1], "allow", None)
    result = fake.ended(task)
    assert result["exitCode"] == 0
    assert task.stdout == b"not done: people said no: keep them\ndone: people said yes"
    uses = [(item["tool"], item["verdict"]) for item in fake.items("tool_used")]
    assert uses == [("Bash", "deny"), ("Bash", "allow")]
    assert worker.stop() == 0


def test_hook_stands_alone(tmp_path: Path) -> None:
    """The hook runs without the packages of the worker, wherever its file lies."""
    alone = shutil.copy(hook.__file__, tmp_path / "alone.py")
    done = subprocess.run(
        [sys.executable, "-IS", alone, str(tmp_path)], input="{}", capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "Nobody could be asked" in done.stderr
