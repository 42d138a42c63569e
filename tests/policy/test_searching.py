"""Hypothesis looks for attempts that have their way under the careful policy."""

import re
from functools import cache
from pathlib import Path

from hypothesis import HealthCheck, Phase, find, given, settings

from tests.policy.attacks import Attempt, attempts
from tests.policy.world import World
from tests.support.policies import write
from worker.answers import Claim
from worker.policy.guarding import Guard
from worker.policy.presets import careful

ATTEMPTS = 3 * settings().max_examples
"""300 in the suite, 60,000 with ``--hypothesis-profile long``."""
_SETTINGS = settings(
    max_examples=ATTEMPTS,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate, Phase.shrink),
)


class Attacker:
    """Tries attempts on *guard*, and runs what it allows. Counts what was tried, and what was run."""

    def __init__(self, world: World, guard: Guard) -> None:
        self.ran = self.asked = 0
        self._world, self._guard = world, guard
        self.harm = cache(self._harm)

    def _harm(self, attempt: Attempt) -> str | None:
        claim = self._claim(attempt)
        verdict = self._guard(claim)
        if verdict.answer != "allow" or verdict.plan is None:
            self.asked += 1
            return None
        self.ran += 1
        harm = self._world.was_harmed(self._world.run(claim, verdict)[1])
        if harm is None:
            return None
        self._world.marker.unlink(missing_ok=True)
        self._world.remember()
        return f"{harm}, by rule {verdict.rule}"

    def _claim(self, attempt: Attempt) -> Claim:
        world = self._world
        words = [world.filled(word) for word in attempt.words]
        how = (
            {"argv": words}
            if attempt.text is None
            else {"command": " ".join(words) + world.filled(attempt.text)}
        )
        env = {} if attempt.env is None else {attempt.env[0]: world.filled(attempt.env[1])}
        return world.claim("command", **how, env=env, cwd=str(world.home / attempt.folder))


def test_nothing_that_is_found_has_its_way(world: World, policy: Path) -> None:
    """Whatever is put together of ordinary commands and hostile pieces is asked, or runs without harm."""
    attacker = Attacker(world, world.guard(policy))

    @_SETTINGS
    @given(attempts())
    def search(attempt: Attempt) -> None:
        assert attacker.harm(attempt) is None

    search()
    assert attacker.ran * 20 > attacker.asked, (attacker.ran, attacker.asked)


def test_a_hole_is_found(world: World, tmp_path: Path) -> None:
    """Without the lines that keep words in their folders, the same search finds how the secret is told."""
    examples = re.compile(r"^(not_)?match = (\[[^]]*\]|\[\n.*?\n\])$", re.MULTILINE | re.DOTALL)
    text = re.sub(r"^within = .*$", "", examples.sub("", careful().decode()), flags=re.MULTILINE)
    attacker = Attacker(world, world.guard(write(tmp_path / "p.toml", text)))
    enough = settings(_SETTINGS, max_examples=20_000, phases=(Phase.generate,))
    found = find(attempts(), lambda attempt: attacker.harm(attempt) is not None, settings=enough)
    assert attacker.harm(found)
