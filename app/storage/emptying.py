"""Emptying the write-ahead log into its database."""

from __future__ import annotations

from typing import Any


def empty_log(driver: Any, *, wait_ms: int) -> bool:  # noqa: ANN401 - the driver's own connection
    """Bring the write-ahead log into the database and cut it to nothing; say whether that could be done.

    A reader of an old state keeps it from its end. It waits for such for *wait_ms*, with the write lock in
    its hand, so every writer waits with it: not long, then.
    """
    [usual] = driver.execute("PRAGMA busy_timeout").fetchone()
    driver.execute(f"PRAGMA busy_timeout = {int(wait_ms)}")
    try:
        [busy, _frames, _done] = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        driver.execute(f"PRAGMA busy_timeout = {int(usual)}")
    return not busy
