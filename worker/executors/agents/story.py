"""What one run of an agent has told so far, whichever agent it is."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

MOST_ERROR = 2000
MOST_SAID = 500
_MOST_DENIALS = 20

Event = Mapping[str, JsonValue]


@dataclass
class ToolUse:
    """One use of a tool: its name, and what it was given."""

    tool: str
    given: JsonValue


@dataclass
class Story:
    """The run as its stream tells it. Filled by one thread, event by event.

    *over* is set by the event that ends the run; *failed* when that says so, whatever the exit code.
    """

    session: str | None = None
    model: str | None = None
    text: str = ""
    error: str | None = None
    status: int | None = None
    turns: int | None = None
    cost_usd: float | None = None
    took_ms: int | None = None
    denials: list[JsonValue] = field(default_factory=list)
    over: bool = False
    failed: bool = False
    fresh_uses: list[ToolUse] = field(default_factory=list)
    uses: int = 0
    seen: set[str] = field(default_factory=set)
    fresh_turn: bool = False

    def use(self, tool: object, given: JsonValue, *, known_as: object = None) -> None:
        """Note the use of a tool, once where the stream tells of it several times (*known_as*)."""
        if isinstance(known_as, str) and known_as:
            if known_as in self.seen:
                return
            self.seen.add(known_as)
        self.uses += 1
        self.fresh_uses.append(ToolUse(clean(str(tool), 200) or "unnamed", given))

    def deny(self, tool: object, given: JsonValue) -> None:
        """Note that the agent was not let use a tool."""
        if len(self.denials) < _MOST_DENIALS:
            self.denials.append({"tool": clean(str(tool), 200), "input": in_short(given)})

    def metadata(self) -> dict[str, JsonValue]:
        """Give what goes with the outcome; what the agent did not tell is left out."""
        told: dict[str, JsonValue] = {
            "sessionId": self.session,
            "model": self.model,
            "turns": self.turns,
            "durationMs": self.took_ms,
            "costUsd": self.cost_usd,
            "permissionDenials": self.denials or None,
            "toolUses": self.uses or None,
        }
        return {name: value for name, value in told.items() if value is not None}


Hear = Callable[[Story, Event], None]
"""Takes one event of a stream into the story. It gets whatever JSON object a line held."""


def clean(text: str, most: int) -> str:
    """Give *text* without what the service takes in no text (NUL, half characters), cut to *most*."""
    text = text.encode(errors="replace").decode().replace("\0", "�")
    return text if len(text) <= most else f"{text[: most - 3]}..."


def in_short(given: JsonValue) -> str:
    """Say in one line of at most 500 characters what a tool was given."""
    if isinstance(given, str):
        return clean(given, MOST_SAID)
    return clean(json.dumps(given, ensure_ascii=False, sort_keys=True), MOST_SAID)


def text_of(value: JsonValue) -> str:
    """Give *value* where it is a text, else an empty one."""
    return value if isinstance(value, str) else ""


def object_of(value: JsonValue) -> Event:
    """Give *value* where it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def list_of(value: JsonValue) -> list[JsonValue]:
    """Give *value* where it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def whole(value: JsonValue) -> int | None:
    """Give a count as an integer that every JSON reader takes, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return int(value) if 0 <= value < 2**53 else None


def money(value: JsonValue) -> float | None:
    """Give a cost in dollars, None for what cannot be one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return round(float(value), 6) if math.isfinite(value) and 0 <= value < 1e9 else None
