"""The clock that leases are measured on: it counts on while the machine sleeps."""

import time

# The latter is for macOS, where it counts on in sleep and time.monotonic() does not.
_CLOCK = time.CLOCK_BOOTTIME if hasattr(time, "CLOCK_BOOTTIME") else time.CLOCK_MONOTONIC


def now() -> float:
    """Give seconds from some fixed point: never set back, and sleep of the machine is counted.

    ``time.monotonic()`` stands still while a Linux laptop sleeps; a lease does not.
    """
    return time.clock_gettime(_CLOCK)
