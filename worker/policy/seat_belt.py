"""What is denied whatever the policy says: a seat belt against accidents, no wall against an attacker."""

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path

_BOMB = re.compile(r"(\S+)\s*\(\)\s*\{\s*\1\s*\|\s*\1\s*&")
_SYSTEM = frozenset(
    {"/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/opt", "/proc", "/root", "/sbin", "/sys"}
    | {"/usr", "/var", "/Users", "/System", "/Library"}
)
_DISKS = re.compile(r"/dev/(sd|hd|vd|xvd|nvme|mmcblk|disk|rdisk|mapper/)")
_ENDS = frozenset({"shutdown", "reboot", "halt", "poweroff", "init", "telinit"})
_OURS = re.compile(r"clawtrail", re.IGNORECASE)
_Words = tuple[str, ...]


def refusal(commands: Iterable[_Words], text: str | None) -> str | None:
    """Give the name of what forbids one of *commands*, or the *text* they were guessed from; else None."""
    if text is not None and _BOMB.search(text):
        return "seat belt: fork bomb"
    for words in commands:
        name, rest = Path(words[0]).name, words[1:]
        for title, forbids in _BELTS:
            if forbids(name, rest):
                return f"seat belt: {title}"
    return None


def _removes_everything(name: str, rest: _Words) -> bool:
    if name not in {"rm", "chmod", "chown", "chgrp", "shred"}:
        return False
    short = "".join(word[1:] for word in rest if word.startswith("-") and not word.startswith("--"))
    deep = "r" in short or "R" in short or "--recursive" in rest
    return deep and any(_is_everything(word) for word in rest if not word.startswith("-"))


def _is_everything(word: str) -> bool:
    stem = word.removesuffix("/*").removesuffix("/.") if word not in {"/*", "/."} else "/"
    if stem.rstrip("/") in {"~", "$HOME", "${HOME}"}:
        return True
    path = os.path.normpath(stem) if stem.startswith("/") else ""
    return path.replace("//", "/") in _SYSTEM | {str(Path.home())}


def _makes_filesystem(name: str, _rest: _Words) -> bool:
    return name.startswith(("mkfs", "mke2fs")) or name in {"wipefs", "mkswap", "blkdiscard"}


def _writes_disk(name: str, rest: _Words) -> bool:
    return name == "dd" and any(word.startswith("of=") and _DISKS.match(word[3:]) for word in rest)


def _ends_machine(name: str, rest: _Words) -> bool:
    if name == "systemctl":
        return any(word in {"poweroff", "reboot", "halt", "kexec", "suspend", "hibernate"} for word in rest)
    return name in _ENDS


def _ends_worker(name: str, rest: _Words) -> bool:
    if name in {"systemctl", "launchctl", "pkill", "killall", "service"}:
        return any(_OURS.search(word) for word in rest)
    own = {"1", "-1", str(os.getpid()), str(os.getppid())}
    return name == "kill" and any(word in own for word in rest[1:] or rest)


_BELTS: tuple[tuple[str, Callable[[str, _Words], bool]], ...] = (
    ("removes or opens up everything", _removes_everything),
    ("makes a file system", _makes_filesystem),
    ("writes to a disk", _writes_disk),
    ("ends the machine", _ends_machine),
    ("ends the worker", _ends_worker),
)
