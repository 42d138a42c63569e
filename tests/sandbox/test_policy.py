"""What the policy says of sandboxes: which one, around which folder, and what people are told."""

from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.conftest import Ward
from tests.support.policies import write
from worker.answers import Claim
from worker.policy.guarding import Guard
from worker.policy.loading import PolicyFaulty, load
from worker.sandboxing.confines import Confines, Limits
from worker.sandboxing.sandboxes import Sandboxes
from worker.verdicts import Verdict

POLICY = """\
default = "ask"
[sandbox]
default = "read-only"
[limits]
files = 99
[[rule]]
name = "tests"
verdict = "allow"
argv = ["make", "test"]
sandbox = "no-network"
workspace = ["{home}/code/*", "{home}/.local/share/demo"]
[[rule]]
name = "free"
verdict = "allow"
argv = ["date"]
sandbox = "none"
"""


def verdict(
    ward: Ward, tmp_path: Path, cwd: object, *argv: str, sandboxes: Sandboxes | None = None
) -> Verdict:
    """Ask a guard with the policy above about a command."""
    policy = write(tmp_path / "policy.toml", POLICY.format(home=ward.home))
    env = ward.env
    guard = Guard(policy, env=env, shell="/bin/sh -c", must_exist=True, sandboxes=sandboxes or ward.sandboxes)
    payload: dict[str, Any] = {"argv": list(argv), "cwd": str(cwd)}
    about = {"taskId": "t", "attempt": 1, "lease": "l", "timeout": 1000, "submittedBy": "client:ada"}
    return guard(Claim.model_validate({**about, "kind": "command", "payload": payload}))


def confines(ward: Ward, tmp_path: Path, cwd: object, *argv: str) -> Confines | None:
    """Give the confines of a command."""
    plan = verdict(ward, tmp_path, cwd, *argv).plan
    assert plan is not None
    return plan.confines


def test_rule_then_default_then_limits_alone(ward: Ward, tmp_path: Path) -> None:
    """A rule's sandbox goes before the default; without a sandbox the limits hold all the same."""
    limits = Limits(files=99)
    tree = ward.work
    assert confines(ward, tmp_path, tree, "make", "test") == Confines("no-network", tree, limits=limits)
    assert confines(ward, tmp_path, tree, "ls") == Confines("read-only", tree, limits=limits)
    assert confines(ward, tmp_path, tree, "date") == Confines("none", limits=limits)


def test_the_workspace_is_the_named_folder_around(ward: Ward, tmp_path: Path) -> None:
    """The outermost folder that the rule names is shown, else the folder of the command."""
    inner = ward.work / "src" / "deep"
    inner.mkdir(parents=True, exist_ok=True)
    named = confines(ward, tmp_path, inner, "make", "test")
    assert named is not None
    assert named.tree == ward.work
    own = confines(ward, tmp_path, inner, "ls")
    assert own is not None
    assert own.tree == inner


@pytest.mark.parametrize(
    "cwd",
    [
        *("{home}", "{home}/..", "/", "/tmp", "/proc/self", "/dev/shm", "/run", "/usr/local", "/etc"),
        *("{home}/.ssh", "{home}/.local/share", "{home}/state", "{home}/.config", "/usr/bin", "/root/.cache"),
    ],
)
def test_a_folder_that_opens_doors_is_not_shown(ward: Ward, tmp_path: Path, cwd: str) -> None:
    """Whoever asks chooses the folder: home, system, what is hidden and what begins with a dot is not it."""
    found = confines(ward, tmp_path, cwd.format(home=ward.home), "ls")
    assert found is not None
    assert found.tree is None


def test_a_named_folder_may_have_a_dot(ward: Ward, tmp_path: Path) -> None:
    """What the policy names itself may begin with a dot."""
    demo = ward.home / ".local" / "share" / "demo"
    demo.mkdir(parents=True, exist_ok=True)
    found = confines(ward, tmp_path, demo, "make", "test")
    assert found is not None
    assert found.tree == demo


def test_no_folder_of_the_path_can_be_changed(ward: Ward) -> None:
    """A folder that leads to programs of later runs is not given to one to work in, named or not."""
    env = {**ward.env, "PATH": f"{ward.work}/tools/bin:/usr/bin"}
    found = [Sandboxes(env).tree(folder, named=True) for folder in (ward.work, ward.work / "tools" / "bin")]
    assert found == [None, None]


def test_sandbox_is_in_digest_and_description(ward: Ward, tmp_path: Path) -> None:
    """A yes is for the sandbox too: another one, or another limit, is another content."""
    first = verdict(ward, tmp_path, ward.work, "ls")
    assert first.describe is not None
    assert f"sandbox read-only, may read {ward.work}, files 99" in first.describe
    assert first.digest != verdict(ward, tmp_path, ward.work / "src", "ls").digest


def test_what_needs_a_missing_sandbox_is_refused(ward: Ward, tmp_path: Path) -> None:
    """Neither run without, nor asked about: refused, and what needs none goes on."""
    untried = Sandboxes(ward.env)
    for argv in (("make", "test"), ("ls",)):
        refused = verdict(ward, tmp_path, ward.work, *argv, sandboxes=untried)
        assert refused.answer == "deny"
        assert refused.refusal is not None
        assert refused.refusal.startswith("Refused: the sandbox ")
    assert verdict(ward, tmp_path, ward.work, "date", sandboxes=untried).answer == "allow"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('[sandbox]\ndefault = "jail"', "line 2: sandbox.default"),
        ('[sandbox]\nread = ["~/*/x"]', "whole folders"),
        ('[[rule]]\nname = "a"\nverdict = "deny"\nargv = ["x"]\nsandbox = "workspace"', "lets nothing run"),
        (
            '[[rule]]\nname = "a"\nverdict = "allow"\npaths = ["~/x"]\nsandbox = "workspace"',
            "for commands alone",
        ),
        (
            '[[rule]]\nname = "a"\nverdict = "allow"\nargv = ["x"]\nworkspace = ["x"]',
            "workspace: a path begins",
        ),
        ("[limits]\nmemory = 1", "line 2: limits.memory"),
    ],
)
def test_faults_are_told(text: str, fault: str) -> None:
    """What cannot be meant is a fault of the file, with its line."""
    with pytest.raises(PolicyFaulty, match=fault):
        load(text.encode())
