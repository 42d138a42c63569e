"""The stand-ins for agents, installed in a home folder of their own, and a worker's agents over them."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from secrets import token_hex
from typing import Any

from tests.support.recorded_run import RecordedRun
from worker.executors.agents.cli import BY_KIND
from worker.executors.agents.planning import Installed, Planner, Terms
from worker.executors.agents.running import Agents
from worker.executors.agents.sessions import Sessions
from worker.items import Ending
from worker.orders import Decision, Order

PROGRAM = Path(__file__).with_name("stand_in_agent.py")
NAMES = ("claude", "codex", "gemini")


def install(folder: Path, *names: str, program: Path = PROGRAM) -> Path:
    """Put the stand-ins into *folder* under these names."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names or NAMES:
        file = folder / name
        file.write_text(f"#!{sys.executable} -IS\n{program.read_text()}")
        file.chmod(0o755)
    return folder


@dataclass
class Told:
    """What came of one run."""

    ending: Ending
    stdout: bytes
    stderr: bytes
    tools: list[tuple[str, str]]
    verdicts: list[str | None]
    asked: list[tuple[str, str, str]]

    @property
    def about(self) -> dict[str, Any]:
        """The metadata."""
        return dict(self.ending.metadata or {})


@dataclass
class Home:
    """A home folder with agents; *own* is the environment of the worker."""

    folder: Path
    own: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Open the notes on sessions, and put the worker's agents together."""
        self.bin = self.folder / "bin"
        if not self.bin.exists():
            install(self.bin)
        self.sessions = Sessions(self.folder / "sessions.db")
        self.installed = {f"{name}-cli": Installed(str(self.bin / name)) for name in NAMES}
        self.planner = Planner(self.installed, self.sessions, own=self.own, home=self.folder)
        self.env = {"PATH": "/usr/bin:/bin", "HOME": str(self.folder)}
        self.agents = Agents(self.planner, env=self.env)

    def ask(
        self,
        kind: str,
        prompt: str,
        *,
        terms: Terms | None = None,
        timeout_ms: int = 20000,
        stop: Callable[[RecordedRun], Ending | None] = lambda _run: None,
        answer: Callable[[str], Decision] | None = None,
        **payload: object,
    ) -> Told:
        """Plan a task and run it, as a worker does."""
        given: Any = {"prompt": prompt, **payload}
        _, plan = self.planner.plan(kind, given, terms or Terms(), home_folder=self.folder)
        program = Path(self.planner.command(kind))
        order = Order(f"task-{token_hex(4)}", given, timeout_ms, replace(plan, program=program))
        run = RecordedRun(stop)
        run.answer = answer or run.answer
        ending = self.agents.run(kind, order, run)
        return Told(ending, run.stdout, run.stderr, run.tools, run.verdicts, run.asked)

    @contextmanager
    def instead(self, kind: str, command: Path | None = None, *models: str) -> Iterator[None]:
        """Have another program, or models, for a while."""
        plain = self.installed[kind]
        self.installed[kind] = Installed(str(command or plain.command), models)
        yield
        self.installed[kind] = plain

    def stored(self, kind: str) -> list[str]:
        """List the ids of the sessions that an agent has here."""
        return [one.id for one in BY_KIND[kind].stored(self.own, self.folder, "")]
