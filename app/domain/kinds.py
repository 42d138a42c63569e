"""What sorts of task there are and what running one twice would do."""

from __future__ import annotations

import re
from enum import StrEnum


class Kind(StrEnum):
    """The built-in kinds; a custom kind is any other name of the same form."""

    COMMAND = "command"
    FILE_READ = "file-read"
    FILE_WRITE = "file-write"
    FILE_EDIT = "file-edit"
    CLAUDE_CLI = "claude-cli"
    CODEX_CLI = "codex-cli"
    GEMINI_CLI = "gemini-cli"


class Effect(StrEnum):
    """What an attempt may leave behind, which decides whether a lost one may be run again."""

    READ = "read"
    IDEMPOTENT = "idempotent"
    MUTATING = "mutating"


KIND_FORM = re.compile(r"[a-z][a-z0-9-]{0,63}")

V1_KINDS = (Kind.COMMAND, Kind.FILE_READ, Kind.FILE_WRITE, Kind.FILE_EDIT, Kind.CLAUDE_CLI)
"""The only kinds that an old worker can run; it would run any other as an empty shell command."""

AGENT_KINDS = (Kind.CLAUDE_CLI, Kind.CODEX_CLI, Kind.GEMINI_CLI)
"""Those that hand a prompt to a command line of an agent, which keeps sessions and costs money."""

_EFFECTS: dict[str, Effect] = {Kind.FILE_READ: Effect.READ, Kind.FILE_WRITE: Effect.IDEMPOTENT}


def cli_of(kind: str) -> str:
    """Return the agent that an agent's kind stands for: ``claude``, ``codex``, ``gemini``."""
    return kind.removesuffix("-cli")


def effect_of(kind: str) -> Effect:
    """Return the effect that tasks of *kind* have unless their submitter declares another."""
    return _EFFECTS.get(kind, Effect.MUTATING)


def attempts_of(effect: str) -> int:
    """Return how many attempts a task of *effect* may have unless its submitter says otherwise."""
    return 1 if effect == Effect.MUTATING else 3


def may_run_again(effect: str, *, attempt: int, max_attempts: int) -> bool:
    """Say whether an attempt that was lost after its start may be followed by another."""
    return effect != Effect.MUTATING and attempt < max_attempts
