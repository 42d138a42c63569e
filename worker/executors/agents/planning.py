"""From a task for an agent to what exactly is started for it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from worker.executors.agents.cli import BY_KIND
from worker.executors.agents.payload import AgentTrouble, Payload
from worker.executors.agents.resolving import Disk, find_target
from worker.executors.agents.sessions import Sessions
from worker.orders import AgentCall, Plan

NESTING = frozenset(
    {"CLAUDECODE", "CLAUDE_CODE_ENTRYPOINT", "CLAUDE_CODE_SSE_PORT", "CLAUDE_CODE_SESSION_ID"}
    | {"CLAUDE_CODE_CHILD_SESSION", "CODEX_SANDBOX", "CODEX_SANDBOX_NETWORK_DISABLED", "GEMINI_CLI"}
)
"""Variables by which an agent knows that it was started by an agent: then it behaves otherwise."""


@dataclass(frozen=True)
class Terms:
    """What the policy lets an agent do; None means the careful default of its command line."""

    mode: str | None = None
    allowed_tools: tuple[str, ...] = ()
    disallowed_tools: tuple[str, ...] = ()
    ask_tools: tuple[str, ...] = ()
    max_cost_usd: float | None = None
    env: tuple[str, ...] = ()


@dataclass(frozen=True)
class Installed:
    """A command line on this machine: its name or path, and the models to use, the first one first."""

    command: str
    models: tuple[str, ...] = ()


class Planner:
    """Plans tasks for the agents that are *installed*, by kind. Any thread may call it."""

    def __init__(
        self, installed: Mapping[str, Installed], sessions: Sessions, *, own: Mapping[str, str], home: Path
    ) -> None:
        """Take from *own*, the worker's environment, what agents are given."""
        self.installed = installed
        self.sessions = sessions
        self._own = own
        self.disk = Disk(own, home)

    def plan(
        self, kind: str, given: Mapping[str, JsonValue], terms: Terms, *, home_folder: Path | None = None
    ) -> tuple[AgentCall, Plan]:
        """Give what would be asked, and started; the program is not looked for yet. It writes nothing.

        Raises ``AgentTrouble``, ``FileTrouble``, pydantic's ``ValidationError``, ``JournalFailed``.
        """
        cli, payload = BY_KIND[kind], Payload.model_validate(given)
        installed = self.installed.get(kind)
        if installed is None:
            raise AgentTrouble(f"This worker has no {cli.name}")
        if payload.max_cost_usd is not None and not cli.knows_costs:
            raise AgentTrouble(f"{cli.name} tells no costs, so maxCostUsd cannot be kept: leave it out")
        target = find_target(cli, payload, sessions=self.sessions, disk=self.disk, home_folder=home_folder)
        # Who names a model wants that one; the list of this machine is for those who name none.
        models = installed.models if payload.model is None else (payload.model,)
        limits = [limit for limit in (payload.max_cost_usd, terms.max_cost_usd) if limit is not None]
        call = AgentCall(
            cli.name,
            payload.session_id,
            target.real,
            target.resume,
            model=models[0] if models else None,
            others=models[1:],
            mode=terms.mode or cli.modes[0],
            allowed_tools=terms.allowed_tools,
            disallowed_tools=terms.disallowed_tools,
            ask_tools=terms.ask_tools,
            max_cost_usd=min(limits, default=None),
        )
        env = self._env((*cli.env, *terms.env))
        return call, Plan(cli.argv(call), None, target.cwd, env, call)

    def command(self, kind: str) -> str:
        """Give the name or path under which the program of *kind* is looked for."""
        installed = self.installed.get(kind)
        return BY_KIND[kind].name if installed is None else installed.command

    def _env(self, names: tuple[str, ...]) -> dict[str, str]:
        return {name: self._own[name] for name in names if name in self._own and name not in NESTING}


@contextmanager
def on_trial() -> Iterator[Planner]:
    """Have a planner for a look at a policy: every agent is there, and no session was noted."""
    sessions = Sessions(Path(":memory:"))
    try:
        yield Planner(
            {kind: Installed(cli.name) for kind, cli in BY_KIND.items()}, sessions, own={}, home=Path.home()
        )
    finally:
        sessions.close()
