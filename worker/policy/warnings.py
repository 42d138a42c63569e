"""What in a policy is well-formed and probably not meant."""

from collections.abc import Iterator

from worker.policy.loading import Policy
from worker.policy.rules import Rule

# Each of these runs other programs by its arguments, or by what it reads.
_RUNNERS = frozenset(
    {
        "sh",
        "bash",
        "dash",
        "zsh",
        "fish",
        "ksh",
        "env",
        "nice",
        "nohup",
        "timeout",
        "xargs",
        "setsid",
        "stdbuf",
    }
    | {"time", "watch", "ssh", "chroot", "python", "python3", "perl", "ruby", "node", "deno", "php", "lua"}
    | {"awk", "gawk", "sed", "vi", "vim", "nvim", "emacs", "ed", "less", "more", "man", "find", "tar", "zip"}
    | {"git", "make", "npm", "npx", "cargo", "go", "docker", "podman", "systemd-run", "crontab", "at", "gdb"}
    | {"strace", "rsync", "scp", "curl", "wget", "tee", "dd", "cp", "mv", "ln", "sort", "rg"}
)


def warnings_of(policy: Policy) -> Iterator[str]:
    """Say what the owner should look at again, a sentence each."""
    if policy.default == "allow":
        yield "default = allow: what no rule forbids runs"
    if policy.shell == "allow":
        yield "[shell] verdict = allow: any text runs, and rules that deny words hardly hold in a shell"
    for rule in policy.rules:
        if rule.answer == "allow" and rule.shell and rule.cwd is None:
            yield f"rule {rule.name!r}: any text runs anywhere"
        open_to = sorted(_open_runners(rule))
        if open_to:
            programs = ", ".join(open_to)
            yield f"rule {rule.name!r}: with any arguments, {programs} can run any program or change files"


def _open_runners(rule: Rule) -> set[str]:
    if rule.answer != "allow" or rule.argv is None or not rule.argv.open_end or rule.options is not None:
        return set()
    return {name for name in _RUNNERS if rule.argv.patterns[0].match(name) and len(rule.argv.patterns) == 1}
