"""SQLite files of the worker's own: what was committed to one survives a crash and a power cut."""

import sqlite3
from pathlib import Path


def opened(path: Path, schema: str) -> sqlite3.Connection:
    """Open *path*, made with *schema* if there is none, for any thread that holds the caller's lock.

    The caller closes it. Raises ``sqlite3.Error``; then nothing is left open.
    """
    conn = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        conn.execute("PRAGMA journal_mode = WAL")
        conn.execute("PRAGMA synchronous = FULL")
        conn.executescript(schema)
    except sqlite3.Error:
        conn.close()
        raise
    return conn
