"""The command lines of agents side by side: what each is called, and the functions that know it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from worker.executors.agents import claude, codex, gemini
from worker.executors.agents.stored import Stored
from worker.executors.agents.story import Hear
from worker.orders import AgentCall


@dataclass(frozen=True)
class Cli:
    """One command line. *modes* are what it may be let do, the careful one first.

    *env* are the variables that it is given because they say where its files are. One that *chooses_ids*
    names a new session itself; the others begin one under an id that they are given. One that
    *knows_costs* tells what a run cost, and keeps to a limit.
    """

    name: str
    modes: tuple[str, ...]
    env: tuple[str, ...]
    chooses_ids: bool
    knows_costs: bool
    argv: Callable[[AgentCall], tuple[str, ...]]
    hear: Hear
    stored: Callable[[Mapping[str, str], Path, str], Iterator[Stored]]
    about: Callable[[Stored], tuple[Path | None, str]]

    @property
    def kind(self) -> str:
        """The kind of task that it runs."""
        return f"{self.name}-cli"


CLIS = (
    Cli(
        "claude",
        claude.MODES,
        claude.ENV,
        chooses_ids=False,
        knows_costs=True,
        argv=claude.argv,
        hear=claude.hear,
        stored=claude.stored,
        about=claude.about,
    ),
    Cli(
        "codex",
        codex.MODES,
        codex.ENV,
        chooses_ids=True,
        knows_costs=False,
        argv=codex.argv,
        hear=codex.hear,
        stored=codex.stored,
        about=codex.about,
    ),
    Cli(
        "gemini",
        gemini.MODES,
        gemini.ENV,
        chooses_ids=True,
        knows_costs=False,
        argv=gemini.argv,
        hear=gemini.hear,
        stored=gemini.stored,
        about=gemini.about,
    ),
)
BY_KIND = {cli.kind: cli for cli in CLIS}
EVERY_MODE = frozenset(mode for cli in CLIS for mode in cli.modes)
EVERYTHING_MODES = frozenset({"bypassPermissions", "danger-full-access", "yolo"})
"""In these an agent does what it likes: only a policy that names one gets it."""
