"""macOS: the text of a profile for ``sandbox-exec``."""

from collections.abc import Mapping
from pathlib import Path

from worker.sandboxing.confines import Confines
from worker.sandboxing.views import Doors, folders_of, interpreter_of

PROGRAM = Path("/usr/bin/sandbox-exec")

_SYSTEM = (
    *("/usr", "/bin", "/sbin", "/System", "/Library/Apple", "/Library/Developer", "/Library/Frameworks"),
    *("/Library/Java", "/opt/homebrew", "/opt/local", "/Applications/Xcode.app", "/private/var/db/timezone"),
    *("/private/var/select", "/private/var/db/dyld", "/private/etc/ssl", "/private/etc/localtime"),
    *("/private/etc/passwd", "/private/etc/group", "/private/etc/hosts", "/private/etc/services"),
)
_DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom", "/dev/fd", "/dev/dtracehelper")
_NETWORK_FILES = ("/private/etc/resolv.conf", "/private/var/run/resolv.conf")

_ALWAYS = """\
(version 1)
(deny default)
(import "system.sb")
(allow process-exec process-fork)
(allow signal process-info* (target same-sandbox))
(allow sysctl-read)
(allow file-read-metadata)
(allow file-ioctl (literal "/dev/null"))
"""

_WITH_NETWORK = """\
(allow network*)
(allow mach-lookup (global-name "com.apple.SystemConfiguration.configd"))
(allow mach-lookup (global-name "com.apple.dnssd.service"))
(allow mach-lookup (global-name "com.apple.trustd.agent"))
"""


def text(confines: Confines, *, program: Path, env: Mapping[str, str], doors: Doors) -> str:
    """Give the profile for one run of *program*. What it does not name is forbidden."""
    readable = [Path(name) for name in _SYSTEM]
    readable += [path for path in confines.read if doors.may_show(path)]
    readable += folders_of(env.get("PATH") or "", doors)
    readable += [file for file in (program, interpreter_of(program)) if file is not None]
    lines = [_allow("file-read*", path) for path in dict.fromkeys(readable)]
    lines += [_allow("file-read* file-write-data", Path(name)) for name in _DEVICES]
    if confines.profile == "workspace":
        lines += [_allow("file-read*", Path(name)) for name in _NETWORK_FILES]
    if confines.tree is not None:
        act = "file-read*" if confines.profile == "read-only" else "file-read* file-write*"
        lines.append(_allow(act, confines.tree))
    lines += [f"(deny file-read* file-write* (subpath {quoted(path)}))" for path in doors.private]
    network = _WITH_NETWORK if confines.profile == "workspace" else ""
    return _ALWAYS + network + "\n".join(lines) + "\n"


def _allow(acts: str, path: Path) -> str:
    return f"(allow {acts} (subpath {quoted(path)}))"


def quoted(path: Path) -> str:
    """Give *path* as a text of the profile's language: only quote and backslash mean anything in one."""
    inside = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{inside}"'
