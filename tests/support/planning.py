"""Schedules on a database: made, fired as the janitor does it, and what the record tells of them."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from app.domain.errors import ScheduleBusy
from app.domain.ids import TaskIds
from app.domain.roles import Role
from app.services import access, firing, schedules
from app.services.firing import House
from app.services.schedules import Definition
from app.storage.tables import AnyRow
from app.storage.tables import schedules as table
from tests.support.acts import ADA
from tests.support.database import Database

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
NAME = "report"


def definition(cron: str = "0 * * * *", **options: Any) -> Definition:  # noqa: ANN401 - fields of Definition
    """Return a definition, hourly unless it says otherwise."""
    usual: dict[str, Any] = {"tz": "UTC", "misfire": "skip", "overlap": "skip", "kind": "command"}
    usual |= {"payload": '{"command":"true"}', "timeout_ms": 30_000}
    return Definition(cron=cron, **{**usual, **options})


@dataclass
class Planning:
    """The schedules of one database; its ``room`` is that of the queue."""

    db: Database
    room: int = 1000
    limit: int | None = None
    new_id: TaskIds = field(default_factory=TaskIds)

    @property
    def house(self) -> House:
        """What a firing has to know of the service."""
        return House(self.new_id, room=lambda: self.room, shared=False, limit=self.limit)

    def hire(self, name: str = "ada", *, budget: int | None = None, expires_at: int | None = None) -> None:
        """Make a client's token."""
        self.db.write(
            lambda conn: access.create(
                conn,
                name=name,
                role=Role.CLIENT,
                token=access.new_token(Role.CLIENT),
                expires_at=expires_at,
                actor="system:operator",
                now=self.db.now,
                max_cost_micros=budget,
            )
        )

    def revoke(self, name: str = "ada") -> None:
        """Revoke a token."""
        self.db.write(lambda conn: access.revoke(conn, name=name, actor="system:operator", now=self.db.now))

    def do(self, act: Any, *args: Any, **named: Any) -> Any:  # noqa: ANN401 - an act of schedules
        """Run an act of ``services.schedules`` by Ada, unless *named* says by whom."""
        said = {"actor": ADA, **named}
        return self.db.write(lambda conn: act(conn, *args, now=self.db.now, **said))

    def add(self, cron: str = "0 * * * *", *, name: str = NAME, actor: str = ADA, **options: Any) -> None:  # noqa: ANN401 - fields of Definition
        """Add a schedule."""
        self.do(schedules.add, name, definition(cron, **options), actor=actor)

    def due(self) -> list[tuple[str, int]]:
        """Return what the janitor would find due."""
        return self.db.read(lambda conn: firing.list_due(conn, now=self.db.now))

    def fire(self, *due: tuple[str, int]) -> None:
        """Fire what is due, or what *due* says that somebody found so."""
        for name, instant in due or self.due():
            self.db.write(
                lambda conn, name=name, instant=instant: firing.fire(  # type: ignore[misc]
                    conn, name, instant, self.house, now=self.db.now
                )
            )

    def crash(self) -> None:
        """Be killed before the commit of a firing; the database is opened anew."""

        def killed(conn: Connection) -> None:
            for name, instant in firing.list_due(conn, now=self.db.now):
                firing.fire(conn, name, instant, self.house, now=self.db.now)
            raise KeyboardInterrupt

        with suppress(KeyboardInterrupt):
            self.db.write(killed)
        self.db.reopen()

    def run(self, name: str = NAME) -> None:
        """Let Ada run a schedule now, unless its last task is unfinished."""
        with suppress(ScheduleBusy):
            self.do(firing.run_now, name, self.house)

    def settle(self) -> None:
        """Make rounds until nothing is due."""
        while self.due():
            self.fire()

    def row(self, name: str = NAME) -> AnyRow:
        """Return the row of a schedule."""
        return self.db.read(lambda conn: conn.execute(table.select().where(table.c.name == name)).one())

    def told(self, type_: str) -> list[dict[str, Any]]:
        """Return the details of all events of a type, without the name."""
        found = [json.loads(row.detail) for row in self.db.events() if row.type == type_]
        return [{key: value for key, value in one.items() if key != "name"} for one in found]

    def fired(self) -> list[int | None]:
        """Return the instants for which a task was submitted, in order."""
        return [one.get("instant") for one in self.told("schedule.fired")]

    def skipped(self) -> list[tuple[int, int, str]]:
        """Return what was left out: from which instant, before which, why."""
        return [(one["instant"], one["next_at"], one["why"]) for one in self.told("schedule.skipped")]
