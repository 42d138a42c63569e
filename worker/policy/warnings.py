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
    | {
        "strace",
        "rsync",
        "scp",
        "curl",
        "wget",
        "tee",
        "dd",
        "cp",
        "mv",
        "ln",
        "sort",
        "rg",
        "install",
        "split",
    }
    | {
        "busybox",
        "toybox",
        "sudo",
        "doas",
        "nsenter",
        "unshare",
        "setpriv",
        "flock",
        "script",
        "expect",
        "ionice",
    }
    | {"taskset", "chrt", "parallel", "ltrace", "valgrind", "perf", "ip", "tcpdump", "screen", "tmux", "mawk"}
    | {
        "nawk",
        "ex",
        "view",
        "python2",
        "pypy3",
        "bun",
        "tsx",
        "uv",
        "uvx",
        "pip",
        "pipx",
        "poetry",
        "pnpm",
        "yarn",
    }
    | {"gcc", "cc", "clang", "ld", "java", "mvn", "gradle", "ansible", "terraform", "kubectl", "helm", "psql"}
    | {
        "mysql",
        "sqlite3",
        "openssl",
        "gpg",
        "hg",
        "svn",
        "apt",
        "apt-get",
        "dpkg",
        "rpm",
        "brew",
        "7z",
        "unzip",
    }
    | {
        "pandoc",
        "pdflatex",
        "ffmpeg",
        "pytest",
        "tox",
        "nox",
        "rustc",
        "sftp",
        "systemctl",
        "journalctl",
        "bwrap",
    }
)
# Each of these has a program load or run something else, or find other settings.
_STEERING = (
    *(
        "PATH",
        "LD_PRELOAD",
        "LD_LIBRARY_PATH",
        "LD_AUDIT",
        "DYLD_INSERT_LIBRARIES",
        "BASH_ENV",
        "ENV",
        "IFS",
        "HOME",
    ),
    *("GIT_PAGER", "GIT_EXTERNAL_DIFF", "GIT_SSH_COMMAND", "GIT_CONFIG_COUNT", "PAGER", "EDITOR", "SHELL"),
    *(
        "PYTHONPATH",
        "PYTHONSTARTUP",
        "PYTEST_ADDOPTS",
        "PERL5OPT",
        "RUBYOPT",
        "NODE_OPTIONS",
        "JAVA_TOOL_OPTIONS",
    ),
    *("MAKEFLAGS", "RUSTC_WRAPPER", "GOFLAGS", "LESSOPEN", "XDG_CONFIG_HOME"),
)
_ANY_OPTION = ("--x9", "-x9")
_ANY_WORD = "x9/y"


def warnings_of(policy: Policy) -> Iterator[str]:
    """Say what the owner should look at again, a sentence each."""
    if policy.default == "allow":
        yield "default = allow: what no rule forbids runs"
    if policy.shell == "allow":
        yield "[shell] verdict = allow: any text runs, and rules that deny words hardly hold in a shell"
    for rule in policy.rules:
        if rule.answer == "allow" and rule.shell and rule.cwd is None:
            yield f"rule {rule.name!r}: any text runs anywhere"
        steering = [name for name in _STEERING if rule.answer == "allow" and rule.env.match(name)]
        if steering:
            yield f"rule {rule.name!r}: who may set {steering[0]} can have a program run something else"
        if rule.answer == "allow" and rule.argv is not None and rule.argv.patterns[0].match(_ANY_WORD):
            yield f"rule {rule.name!r}: any program at all fits its first word"
            continue
        open_to = sorted(_open_runners(rule))
        if open_to:
            programs = ", ".join(open_to)
            yield f"rule {rule.name!r}: with any arguments, {programs} can run any program or change files"
        elif _wanders(rule):
            yield f"rule {rule.name!r}: without within, its words may name files outside of cwd"


def _open_runners(rule: Rule) -> set[str]:
    if rule.answer != "allow" or rule.argv is None or not _takes_any_option(rule):
        return set()
    return {name for name in _RUNNERS if rule.argv.patterns[0].match(name)}


def _takes_any_option(rule: Rule) -> bool:
    """Tell whether an option that nobody thought of fits somewhere after the program."""
    argv = rule.argv
    if argv is None:
        return False
    fixed = any(pattern.match(option) for pattern in argv.patterns[1:] for option in _ANY_OPTION)
    rest = argv.open_end and (
        rule.options is None or any(rule.options.match(option) for option in _ANY_OPTION)
    )
    return fixed or rest


def _wanders(rule: Rule) -> bool:
    if rule.answer != "allow" or rule.argv is None or rule.cwd is None or rule.within is not None:
        return False
    return rule.argv.open_end or any(pattern.match(_ANY_WORD) for pattern in rule.argv.patterns[1:])
