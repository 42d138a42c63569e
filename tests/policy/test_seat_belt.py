"""The seat belt: accidents that no policy allows, and their neighbours that it leaves alone."""

from pathlib import Path

import pytest

from tests.policy.world import World
from tests.support.policies import allow_all


@pytest.mark.parametrize(
    "text",
    [
        "rm -rf /",
        "rm -rf ~",
        "rm -fr $HOME",
        "cd /; rm -r -f /*",
        "chmod -R 777 /",
        "mkfs.ext4 /dev/sda",
        "dd if=x of=/dev/sda1",
        "shutdown now",
        "systemctl reboot",
        "kill -9 -1",
        "pkill -f clawtrail",
        ":(){ :|:& };:",
        "systemctl stop clawtrail-worker",
    ],
)
def test_accidents_are_denied(text: str, world: World, tmp_path: Path) -> None:
    """Whatever ends or empties the machine is refused, also under a policy that allows all."""
    verdict = world.guard(allow_all(tmp_path))(world.claim("command", command=text))
    assert verdict.answer == "deny"
    assert verdict.rule.startswith("seat belt: ")


@pytest.mark.parametrize(
    "text",
    [
        "rm -rf build",
        "rm -rf /tmp/x",
        "rm -rf ~/x",
        "rm /",
        "chmod 700 ~",
        "dd if=x of=y",
        "kill -9 12345678",
        "systemctl status x",
        "echo rm -rf",
        "kill $$",
        "find . -name shutdown",
        "init.sh",
        "rm -rf /var/tmp/x",
    ],
)
def test_neighbours_are_left_alone(text: str, world: World, tmp_path: Path) -> None:
    """What only looks alike is not the seat belt's business."""
    assert world.guard(allow_all(tmp_path))(world.claim("command", command=text)).answer == "allow"


def test_seat_belt_can_be_opened(world: World, tmp_path: Path) -> None:
    """An owner who says so has no seat belt."""
    policy = allow_all(tmp_path)
    policy.write_text('default = "allow"\nseat_belt = false\n\n[shell]\nverdict = "allow"\n')
    assert world.guard(policy)(world.claim("command", command="reboot")).answer == "allow"
