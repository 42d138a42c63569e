"""The policy that the quick start writes, with a sandbox and without."""

from pathlib import Path

import pytest

from clawtrail import demo_policy
from worker.policy.loading import load


@pytest.mark.parametrize("sandboxed", [True, False])
def test_policy_is_one(tmp_path: Path, *, sandboxed: bool) -> None:
    """What is written can be read as a policy, also for a folder whose name is no plain pattern."""
    data = tmp_path / 'a [b] "c" *{d}'
    data.mkdir()
    demo_policy.write(data, sandboxed=sandboxed)
    policy = load((data / demo_policy.FILE).read_bytes())
    assert policy.home_folder is not None
    assert (policy.default, policy.shell) == (("ask", "ask") if sandboxed else ("deny", "deny"))
    commands = [rule for rule in policy.rules if rule.kinds == frozenset({"command"})]
    assert all(rule.sandbox == demo_policy.SANDBOX for rule in commands) == sandboxed
    assert [rule.name for rule in commands if rule.shell] == ["commands of the demo folder"] * sandboxed


def test_policy_follows_the_sandbox_until_somebody_changes_it(tmp_path: Path) -> None:
    """Ours is replaced when a sandbox comes or goes; one that was changed is left alone."""
    file = tmp_path / demo_policy.FILE
    demo_policy.write(tmp_path, sandboxed=False)
    without = file.read_text()
    assert without.startswith("# NO SANDBOX WORKS ON THIS MACHINE")
    demo_policy.write(tmp_path, sandboxed=True)
    assert 'sandbox = "no-network"' in file.read_text()
    demo_policy.write(tmp_path, sandboxed=False)
    assert file.read_text() == without
    own = without + "# mine\n"
    file.write_text(own)
    demo_policy.write(tmp_path, sandboxed=True)
    assert file.read_text() == own
