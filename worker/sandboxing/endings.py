"""How a confined run ended: with the name of its sandbox, and with a sentence where a limit ended it."""

import signal
from dataclasses import replace

from worker.items import Ending
from worker.sandboxing.confines import MEGABYTE, Confines, Limits

_XCPU = 128 + signal.SIGXCPU
_XFSZ = 128 + signal.SIGXFSZ


def told_of(confines: Confines, ending: Ending) -> Ending:
    """Give *ending* as it is told of a run in *confines*."""
    reached = _limit(ending, confines.limits)
    if reached is not None:
        ending = replace(ending, error=reached)
    if confines.profile == "none":
        return ending
    return replace(ending, metadata={**(ending.metadata or {}), "sandbox": confines.profile})


def _limit(ending: Ending, limits: Limits) -> str | None:
    if ending.reason != "exit":
        return None
    if ending.exit_code == _XCPU and limits.cpu_seconds is not None:
        used = f"{limits.cpu_seconds} s of processor time, the most that [limits] of the policy allows"
        return f"Killed by SIGXCPU: it used {used}"
    if ending.exit_code == _XFSZ and limits.file_size is not None:
        most = f"{limits.file_size} MB ({limits.file_size * MEGABYTE} bytes), the most that [limits]"
        return f"Killed by SIGXFSZ: a file grew beyond {most} of the policy allows"
    return None
