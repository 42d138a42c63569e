"""Hostile attempts on the careful policy, and ordinary work under it; what is allowed is run for real."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.policy.world import World
from tests.support.policies import allow_all
from worker.answers import Claim

CORPUS = Path(__file__).parent / "corpus"
NEVER_RUN = ("destruction",)
"""Classes whose attempts would end the machine that runs the tests: here it is enough that one is allowed."""
HOSTILE = sorted(path for path in CORPUS.glob("*.toml") if path.stem != "benign")


def load(path: Path) -> dict[str, Any]:
    """Read one file of the corpus."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


def claims(path: Path, world: World) -> Iterator[Claim]:
    """Make a claim of each attempt of a file."""
    attempts, cwd = load(path), str(world.home / "code" / "project")
    for text in attempts.get("text", []):
        yield world.claim("command", command=world.filled(text), cwd=cwd)
    for argv in attempts.get("argv", []):
        yield world.claim("command", argv=[world.filled(word) for word in argv], cwd=cwd)
    for name, value, *argv in attempts.get("env", []):
        yield world.claim("command", argv=argv, env={name: world.filled(value)}, cwd=cwd)
    for place, *argv in attempts.get("elsewhere", []):
        yield world.claim("command", argv=argv, cwd=world.filled(place))
    for path_ in attempts.get("read", []):
        yield world.claim("file-read", path=world.filled(path_))
    for path_ in attempts.get("write", []):
        yield world.claim("file-write", path=world.filled(path_), content="x")


@pytest.mark.parametrize("path", HOSTILE, ids=lambda path: path.stem)
def test_nothing_hostile_has_its_way(path: Path, world: World, policy: Path) -> None:
    """What the careful policy allows of these attempts is run, and does not do what it was meant to."""
    guard, world_was = world.guard(policy), []
    for claim in claims(path, world):
        verdict = guard(claim)
        if verdict.answer == "allow":
            # A fault of the policy must not cost the machine of whoever tests it.
            harm = (
                "it was allowed" if path.stem in NEVER_RUN else world.was_harmed(world.run(claim, verdict)[1])
            )
            if harm is not None:
                world_was.append(f"{dict(claim.payload)}: {harm}, by rule {verdict.rule}")
                world.marker.unlink(missing_ok=True)
                world.remember()
    assert not world_was, "\n".join(world_was)


def test_corpus_is_as_large_as_told() -> None:
    """There are at least 300 attempts in at least 15 classes, and 200 ordinary tasks."""
    sizes = {path.stem: sum(len(v) for v in load(path).values() if isinstance(v, list)) for path in HOSTILE}
    assert len(sizes) >= 15
    assert sum(sizes.values()) >= 300
    assert len(load(CORPUS / "benign.toml")["code"]) >= 200


@pytest.mark.parametrize("name", ["separators", "substitution"])
def test_canary_sings(name: str, world: World, policy: Path, tmp_path: Path) -> None:
    """Under a policy that allows all, most attempts of these classes leave the marker: it would be seen."""
    guard, sang, count = world.guard(allow_all(tmp_path)), 0, 0
    for claim in claims(CORPUS / f"{name}.toml", world):
        verdict = guard(claim)
        assert verdict.answer == "allow"
        world.run(claim, verdict)
        sang, count = sang + world.marker.exists(), count + 1
        world.marker.unlink(missing_ok=True)
    assert sang >= 0.8 * count


def test_ordinary_work_is_hardly_disturbed(world: World, policy: Path) -> None:
    """Of ordinary commands and file tasks, at most two in a hundred need a question or are refused."""
    benign, guard = load(CORPUS / "benign.toml"), world.guard(policy)
    cwd = str(world.home / "code" / "project")
    asked = [world.claim("command", command=world.filled(text), cwd=cwd) for text in benign["code"]]
    asked += [world.claim("file-read", path=path) for path in benign["notes_read"]]
    asked += [world.claim("file-write", path=path, content="x") for path in benign["notes_write"]]
    stopped = [(dict(claim.payload), guard(claim).rule) for claim in asked if guard(claim).answer != "allow"]
    assert len(stopped) * 100 <= benign["at_most_percent"] * len(asked), stopped
