"""What every route needs at hand: settings, the writer, the readers, the waiting room."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import Connection

from app.api.tokens import TokenBook
from app.auditing.background import BackgroundCheck
from app.backlog import Backlog
from app.domain.ids import TaskIds
from app.services.checkpoints import Signed
from app.services.claiming import Claim
from app.services.firing import House
from app.signing import Signing
from app.storage.line import Place
from app.storage.readers import Readers
from app.storage.sealing import Sealer
from app.storage.writer import Writer
from app.waiting import Doorway, WaitingRoom
from config.server import ServerSettings

T = TypeVar("T")


def now_ms() -> int:
    """Return the present instant in epoch milliseconds."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Service:
    """One running Task API. Its parts guard themselves; routes share it between threads."""

    settings: ServerSettings
    writer: Writer
    reader: Readers
    room: WaitingRoom
    doorway: Doorway
    backlog: Backlog
    tokens: TokenBook
    signing: Signing
    audit: BackgroundCheck
    sealer: Sealer
    clock: Callable[[], int] = now_ms
    new_id: TaskIds = field(default_factory=TaskIds)

    def write(self, act: Callable[[Connection], T]) -> T:
        """Run *act* through the one writer; returns when it is on the disk."""
        return self.writer.perform(act)

    def written(self, act: Callable[[Connection], T]) -> Place[T]:
        """Have *act* done by the one writer; awaited, what it returned, when it is on the disk."""
        return self.writer.enter(act)

    @property
    def house(self) -> House:
        """What the firing of schedules has to know of this service."""
        return House(
            new_id=self.new_id,
            room=lambda: self.settings.max_pending - self.backlog.pending,
            shared=self.settings.shared_token is not None,
            limit=self.settings.max_cost_micros,
        )

    def callback_token(self, claim: Claim) -> str | None:
        """Return the token for a task's callback in clear, for its worker alone; None without one."""
        return None if claim.sealed is None else self.sealer.open(claim.sealed, about=claim.task_id)

    def checkpoint(self) -> Signed:
        """Return the newest checkpoint; it costs nothing, and there always is one."""
        return self.signing.newest

    def read(self, look: Callable[[Connection], T]) -> T:
        """Run *look* on a reading connection."""
        with self.reader.connect() as conn:
            return look(conn)
