"""What the tests of the policy share: a home folder to attack, made once."""

from pathlib import Path

import pytest

from tests.policy import world as worlds
from tests.policy.world import World


@pytest.fixture(scope="session")
def _made(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("world")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder / "home"))
        return worlds.build(folder)


@pytest.fixture
def world(_made: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The one world, with its home folder as this process's."""
    monkeypatch.setenv("HOME", str(_made.home))
    _made.marker.unlink(missing_ok=True)
    _made.remember()
    return _made


@pytest.fixture
def policy(world: World) -> Path:
    """A place where no policy file is: the careful policy holds."""
    return world.home / "no-policy.toml"
