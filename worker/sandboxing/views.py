"""What a sandbox shows of the machine: the system, the folder of the run, and nothing that opens doors."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store")
"""Programs and libraries. What is a link, as /bin is on most systems, is one in the sandbox, too."""

ETC = (
    *("alternatives", "ld.so.cache", "passwd", "group", "nsswitch.conf", "localtime", "hosts", "services"),
    *(
        "protocols",
        "ssl/certs",
        "ssl/openssl.cnf",
        "pki/tls/certs",
        "pki/ca-trust/extracted",
        "crypto-policies",
    ),
    *("mime.types", "gitconfig"),
)
"""Of /etc, what programs need and nobody has to hide. Each costs a mount, so it is not more."""

NETWORK = ("resolv.conf",)
"""Of /etc, what only a run with a network needs."""

_LIVE = ("/proc", "/sys", "/dev", "/run")
"""Views of the running machine: other processes, devices, sockets of its services."""

_SHARED = ("/tmp", "/var/tmp")  # noqa: S108 - they are named so as not to be shown

_PRIVATE = (".ssh", ".gnupg", ".aws", ".netrc", ".config/clawtrail", ".local/state/clawtrail")
"""Of a home folder, what is shown to no run."""


class Doors:
    """The places that no sandbox shows. Nothing that holds one is shown, and nothing that lies in one."""

    def __init__(self, env: Mapping[str, str], hidden: Iterable[Path]) -> None:
        """Take the variables that every command gets, and the worker's own files and folders."""
        self.home = _real(Path(env.get("HOME") or "/"))
        self._path = [_real(Path(part)) for part in (env.get("PATH") or "").split(":") if part]
        own = [_real(path) for path in hidden]
        private = [self.home / name for name in _PRIVATE]
        self.private = [*own, *private]
        self._closed = [*self.private, *map(Path, _LIVE)]
        self._whole = [Path("/"), self.home, *map(Path, _SHARED)]

    def may_show(self, folder: Path) -> bool:
        """Tell whether *folder*, a real path, may be shown with everything in it."""
        if any(closed.is_relative_to(folder) or folder.is_relative_to(closed) for closed in self._closed):
            return False
        return not any(whole.is_relative_to(folder) for whole in self._whole)

    def may_work_in(self, folder: Path, *, named: bool) -> bool:
        """Tell whether a run may have *folder*, a real path, to change files in it.

        None that leads to a folder of the PATH: a program put there would run without a sandbox later. And
        where the policy has not *named* it, so that whoever asks has chosen it, nothing of the system and
        nothing with a name that begins with a dot.
        """
        if any(one.is_relative_to(folder) or folder.is_relative_to(one) for one in self._path):
            return False
        if not named and (folder.is_relative_to("/etc") or is_system(folder) or _has_dot(folder)):
            return False
        return self.may_show(folder)


def folders_of(search_path: str, doors: Doors) -> list[Path]:
    """List the folders of a PATH that lie outside of the system and may be shown."""
    found = []
    for part in dict.fromkeys(search_path.split(":")):
        folder = Path(part)
        if not part.startswith("/") or is_system(folder):
            continue
        if folder.is_dir() and doors.may_show(_real(folder)):
            found.append(folder)
    return found


def is_system(path: Path) -> bool:
    """Tell whether *path* is shown anyway."""
    return any(path.is_relative_to(tree) for tree in SYSTEM)


def interpreter_of(program: Path) -> Path | None:
    """Give the file that a script names behind its ``#!``, None for what is no script."""
    try:
        with program.open("rb") as file:
            first = file.readline(512)
    except OSError:
        return None
    words = first[2:].split() if first.startswith(b"#!") else []
    return Path(os.fsdecode(words[0])) if words and words[0].startswith(b"/") else None


def etc(names: Sequence[str]) -> list[Path]:
    """List what there is of *names* in /etc."""
    return [path for path in (Path("/etc", name) for name in names) if path.exists()]


def _has_dot(folder: Path) -> bool:
    return any(part.startswith(".") for part in folder.parts)


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))
