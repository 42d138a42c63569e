"""When whom to kill: drawn from a seed, so that a run can be repeated."""

import random
from dataclasses import dataclass
from typing import Literal

Victim = Literal["server", "worker", "both"]
Moment = Literal["starting", "ready", "working"]


@dataclass(frozen=True)
class Kill:
    """Kill *victim*, *after_s* seconds after a moment.

    *starting* is the last restart, *ready* is when the server answers again, *working* when the
    worker has brought a task to its end again.
    """

    victim: Victim
    moment: Moment
    after_s: float


def draw(kills: int, seed: int) -> list[Kill]:
    """Return *kills* kills; the same for the same seed."""
    dice = random.Random(seed)
    return [_kill(dice) for _ in range(kills)]


def _kill(dice: random.Random) -> Kill:
    victim: Victim = dice.choices(("server", "worker", "both"), (35, 45, 20))[0]
    moment: Moment = dice.choices(("starting", "ready", "working"), (20, 20, 60))[0]
    return Kill(victim, moment, dice.uniform(0, 1.2 if moment == "starting" else 0.4))
