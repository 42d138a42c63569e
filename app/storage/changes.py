"""Noticing that another process has committed to the database."""

from __future__ import annotations

from sqlalchemy import Connection


def version(conn: Connection) -> int:
    """Return a number that is another one after each commit of any other connection to this file.

    It means nothing by itself, and nothing to other connections than *conn*. Looking costs no read of the
    tables.
    """
    return int(conn.exec_driver_sql("PRAGMA data_version").scalar_one())
