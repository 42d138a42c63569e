"""When whom to kill: drawn from a seed, so that a run can be repeated."""

import random
from dataclasses import dataclass
from typing import Literal

Victim = Literal["server", "worker", "both"]


@dataclass(frozen=True)
class Kill:
    """Kill *victim* in *after_s* seconds.

    They count from the last restart if *in_start_up*, else from when the server answered again.
    """

    victim: Victim
    after_s: float
    in_start_up: bool


def draw(kills: int, seed: int) -> list[Kill]:
    """Return *kills* kills; the same for the same seed."""
    dice = random.Random(seed)
    return [_kill(dice) for _ in range(kills)]


def _kill(dice: random.Random) -> Kill:
    victim: Victim = dice.choices(("server", "worker", "both"), (45, 35, 20))[0]
    in_start_up = dice.random() < 0.25
    return Kill(victim, dice.uniform(0.0, 1.2) if in_start_up else dice.uniform(0.02, 0.8), in_start_up)
