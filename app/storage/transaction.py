"""The transactions of the writing connection, said to the driver itself: they are on every path."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection


class Transaction:
    """Begins and ends transactions on one connection, one at a time. Its user guards it.

    Statements through SQLAlchemy join the transaction that was begun here; whether any did is
    what ``commit`` and ``rollback`` look after.
    """

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self._driver: Any = conn.connection.driver_connection
        self._begin = "BEGIN IMMEDIATE" if conn.dialect.name == "sqlite" else "BEGIN"

    def begin(self) -> None:
        """Begin, with the database's write lock where it has one."""
        self._driver.execute(self._begin)

    def commit(self) -> None:
        """Bring all since ``begin`` to the disk."""
        if self._conn.in_transaction():
            self._conn.commit()
        else:
            self._driver.commit()

    def rollback(self) -> None:
        """Take back all since ``begin``; without one, do nothing."""
        # SQLAlchemy's own too, also when it says that it is in none: a failed commit leaves one behind.
        self._conn.rollback()
        self._driver.rollback()

    def save(self) -> None:
        """Set a savepoint."""
        self._driver.execute("SAVEPOINT act")

    def release(self) -> None:
        """Keep what came since the savepoint."""
        self._driver.execute("RELEASE act")

    def take_back(self) -> None:
        """Take back what came since the savepoint."""
        self._driver.execute("ROLLBACK TO act")
        self._driver.execute("RELEASE act")
