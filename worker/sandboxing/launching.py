"""The last step before a command: the shell bash sets the limits, and becomes the program.

It is bash because Python code between fork and exec can hang a program with threads, limits set from outside
come too late for a quick child, and ``prlimit`` cannot give a program another name than its file's.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import psutil

from worker.sandboxing.confines import Limits

SHELLS = (Path("/bin/bash"), Path("/usr/bin/bash"))
_PATIENCE_S = 5
"""Between the signal that a command may catch and the KILL that it may not, when its processor time is up."""


def find_shell() -> Path | None:
    """Give the shell that launches, None where there is none."""
    return next((shell for shell in SHELLS if os.access(shell, os.X_OK)), None)


def launched(
    argv: Sequence[str], program: Path, *, shell: Path, limits: Limits, apart: bool
) -> tuple[str, ...]:
    """Give the words that run *program* with *argv* under *limits*.

    With *apart* the run has its processes counted for itself, as in a sandbox. ``-p`` keeps bash from
    reading anything: no file that BASH_ENV names, no functions from variables.
    """
    script = "; ".join([*_settings(limits, apart=apart), "unset SHLVL PWD OLDPWD", 'exec -a "$0" -- "$@"'])
    return (str(shell), "-p", "-c", script, argv[0], str(program), *argv[1:])


def _settings(limits: Limits, *, apart: bool) -> list[str]:
    lines = ["set +o posix", "ulimit -c 0"]
    if limits.cpu_seconds is not None:
        lines += [f"ulimit -S -t {limits.cpu_seconds}", f"ulimit -H -t {limits.cpu_seconds + _PATIENCE_S}"]
    if limits.memory is not None:
        lines.append(f"ulimit -d {limits.memory * 1024}")
    if limits.file_size is not None:
        lines.append(f"ulimit -f {limits.file_size * 1024}")
    if limits.files is not None:
        lines.append(f"ulimit -n {limits.files}")
    if limits.processes is not None:
        lines.append(f"ulimit -u {limits.processes + (0 if apart else count_threads())}")
    # One that is higher than the worker's own cannot be set, and need not be.
    return [lines[0], *(f"{line} 2>/dev/null" for line in lines[1:])]


def count_threads() -> int:
    """Count the threads of this process's user, which is what the limit of processes is held against."""
    user = os.getuid()
    if not Path("/proc/self/task").is_dir():
        return sum(_is_of(user, number) for number in psutil.pids())
    count = 0
    for entry in os.scandir("/proc"):
        try:
            if entry.name.isdigit() and entry.stat().st_uid == user:
                count += os.stat(f"/proc/{entry.name}/task").st_nlink - 2  # noqa: PTH116 - a Path costs twice that
        except OSError:  # gone meanwhile
            continue
    return count


def _is_of(user: int, number: int) -> bool:
    try:
        return psutil.Process(number).uids().real == user
    except psutil.Error:
        return False
