"""To what the policy confines a command."""

from dataclasses import dataclass, field
from pathlib import Path

from worker.policy.rules import Rule
from worker.sandboxing.confines import Confines, Limits, Profile
from worker.sandboxing.sandboxes import Sandboxes


@dataclass(frozen=True)
class Confining:
    """What the policy says of all commands: *default* holds where a rule names no sandbox."""

    default: Profile = "none"
    read: tuple[Path, ...] = ()
    scratch: int = 256
    limits: Limits = field(default_factory=Limits)


def confines_of(confining: Confining, rule: Rule | None, cwd: Path, sandboxes: Sandboxes) -> Confines | None:
    """Give what a run in the real folder *cwd* that *rule* lets through is confined to; None: by nothing."""
    profile = confining.default if rule is None or rule.sandbox is None else rule.sandbox
    if profile == "none":
        return Confines(limits=confining.limits) if confining.limits.told else None
    named = _workspace(rule, cwd)
    tree = sandboxes.tree(named or cwd, named=named is not None)
    return Confines(profile, tree, confining.read, confining.scratch, confining.limits)


def _workspace(rule: Rule | None, cwd: Path) -> Path | None:
    """Give the outermost folder around *cwd* that the rule names as a workspace."""
    patterns = () if rule is None else rule.workspace or ()
    around = [*reversed(cwd.parents), cwd]
    return next((folder for folder in around if any(tree.has(folder) for tree in patterns)), None)
