"""The environment of what the worker runs: built up from a few names, never inherited."""

import os
import pwd
import secrets
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
LOGIN_SHELL_S = 5.0


def build(*, search_path: str | None) -> dict[str, str]:
    """Give the variables that every child gets; without a *search_path* the login shell is asked for one."""
    user = pwd.getpwuid(os.getuid())
    shell = os.environ.get("SHELL") or user.pw_shell or "/bin/sh"
    names = {
        "HOME": os.environ.get("HOME") or user.pw_dir,
        "USER": user.pw_name,
        "LANG": os.environ.get("LANG") or "C.UTF-8",
        "TERM": os.environ.get("TERM") or "dumb",
        "TMPDIR": os.environ.get("TMPDIR") or "/tmp",  # noqa: S108 - the system's own default
        "SHELL": shell,
    }
    own_path = os.environ.get("PATH") or DEFAULT_PATH
    return names | {"PATH": search_path or ask_login_shell(shell, names | {"PATH": own_path}) or own_path}


def ask_login_shell(shell: str, env: dict[str, str]) -> str | None:
    """Give the PATH that a login of this user has, or None if its shell does not say so within 5 seconds.

    Markers keep apart what profile files print. The shell gets no terminal and no input, so it cannot ask.
    """
    marker = secrets.token_hex(8)
    try:
        shell_process = subprocess.Popen(
            [shell, "-lc", f'printf "%s%s%s" {marker} "$PATH" {marker}'],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=env,
            start_new_session=True,
        )
    except OSError:
        return None
    with shell_process:
        try:
            said, _ = shell_process.communicate(timeout=LOGIN_SHELL_S)
        except subprocess.TimeoutExpired:
            os.killpg(shell_process.pid, signal.SIGKILL)
            return None
    parts = said.split(marker.encode())
    return os.fsdecode(parts[1]) or None if len(parts) == 3 else None


def seal_descriptors() -> None:
    """Mark every descriptor that this process was started with as not for children.

    Python opens all its own that way; with this, starting a child need not close any, one by one.
    Call it once, before there are threads.
    """
    for entry in list(Path("/dev/fd").iterdir()):
        with suppress(OSError):  # the descriptor of the listing itself is closed by now
            if int(entry.name) > 2:
                os.set_inheritable(int(entry.name), False)  # noqa: FBT003 - the standard library's signature
