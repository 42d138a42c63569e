"""Linux: the options of bubblewrap that make a sandbox."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from worker.sandboxing.confines import MEGABYTE, Confines
from worker.sandboxing.views import ETC, NETWORK, SYSTEM, Doors, etc, folders_of, interpreter_of, is_system

PLACES = (Path("/usr/bin/bwrap"), Path("/usr/local/bin/bwrap"), Path("/bin/bwrap"))
"""Where it is looked for: never on a PATH, which may lead to a file of somebody else's."""

_Mounts = dict[Path, tuple[str, ...]]


def find() -> Path | None:
    """Give the program bubblewrap, None where there is none that root alone could have put there."""
    return next((place for place in PLACES if _is_roots(place)), None)


def _is_roots(place: Path) -> bool:
    try:
        status = place.stat()
    except OSError:
        return False
    return status.st_uid == 0 and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def options(
    confines: Confines, *, program: Path, cwd: Path, env: Mapping[str, str], doors: Doors, nested: bool
) -> bytes:
    """Give the options for one run of *program*, each ended by a NUL.

    *env* is what the run gets, all of it. With *nested* it may make namespaces of its own, which is for
    versions of bubblewrap that cannot forbid it. Raises ``ValueError`` for variables that no program can
    have.
    """
    words = ["--unshare-user", "--unshare-all"]
    if confines.profile == "workspace":
        words.append("--share-net")
    words += ["--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    if not nested:
        words.append("--disable-userns")
    words.append("--clearenv")
    for name, value in env.items():
        if not name or "=" in name:
            raise ValueError("illegal environment variable name")
        words += ["--setenv", name, value]
    mounts = _system(confines) | _own(confines, program, env, doors)
    for place in sorted(mounts, key=lambda path: len(path.parts)):
        words += mounts[place]
    # What lies between the mounts is made by bubblewrap, in memory and without a limit: it is closed last.
    words += ["--dir", str(cwd), "--chdir", str(cwd), "--remount-ro", "/dev", "--remount-ro", "/"]
    if any("\0" in word for word in words):  # it would end one option and begin another
        raise ValueError("embedded null byte")
    return b"".join(os.fsencode(word) + b"\0" for word in words)


def _system(confines: Confines) -> _Mounts:
    mounts: _Mounts = {Path("/proc"): ("--proc", "/proc"), Path("/dev"): ("--dev", "/dev")}
    for name in SYSTEM:
        tree = Path(name)
        if tree.is_symlink():
            mounts[tree] = ("--symlink", str(tree.readlink()), name)
        elif tree.is_dir():
            mounts[tree] = _shown(tree)
    for path in etc((*ETC, *NETWORK) if confines.profile == "workspace" else ETC):
        mounts[path] = _shown(path)
    for name in ("/tmp", "/dev/shm"):  # noqa: S108 - a private one
        mounts[Path(name)] = _scratch(Path(name), confines, "1777")
    mounts[Path("/var/tmp")] = ("--symlink", "/tmp", "/var/tmp")  # noqa: S108 - the same
    return mounts


def _own(confines: Confines, program: Path, env: Mapping[str, str], doors: Doors) -> _Mounts:
    mounts: _Mounts = {}
    home, named_home = doors.home, Path(env.get("HOME") or "/")
    if len(home.parts) > 1 and not is_system(home):
        mounts[home] = _scratch(home, confines, "0700")
        if named_home != home and os.path.realpath(named_home) == str(home):
            mounts[named_home] = ("--symlink", str(home), str(named_home))
    trees = [path for path in confines.read if path.exists() and doors.may_show(path)]
    for path in (*trees, *folders_of(env.get("PATH") or "", doors)):
        mounts[path] = _shown(path)
    interpreter = interpreter_of(program)
    for file in (program, interpreter):
        if file is not None and not is_system(file) and doors.may_show(file):
            mounts.setdefault(file, _shown(file))
    if confines.tree is not None:
        flag = "--ro-bind" if confines.profile == "read-only" else "--bind"
        mounts[confines.tree] = (flag, str(confines.tree), str(confines.tree))
    return mounts


def _shown(path: Path) -> tuple[str, ...]:
    return ("--ro-bind", str(path), str(path))


def _scratch(place: Path, confines: Confines, mode: str) -> tuple[str, ...]:
    return ("--perms", mode, "--size", str(confines.scratch * MEGABYTE), "--tmpfs", str(place))
