"""What is wrong with a record or its tables, one fault at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

OF_ANOTHER_TYPE = "a cell of it is of another type than its column"
_MORE = 1000


@dataclass(frozen=True, slots=True)
class Fault:
    """One place where the record contradicts itself, its signatures or the tables.

    ``seq`` is the event that is wrong or that tells otherwise; None where no single one does.
    """

    seq: int | None
    task_id: str | None
    what: str

    def __str__(self) -> str:
        place = "" if self.seq is None else f"event {self.seq}: "
        task = "" if self.task_id is None else f"task {self.task_id}: "
        return f"{place}{task}{self.what}"


class FirstFault(Exception):
    """As many faults as were asked for are found: nothing more is looked at."""


class Faults:
    """Gathers faults up to a limit. For one thread."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.found: list[Fault] = []

    @contextmanager
    def earliest(self) -> Iterator[None]:
        """Take faults beyond the limit, and keep of all found those that are told by the earliest events."""
        limit, self._limit = self._limit, self._limit + _MORE
        try:
            with suppress(FirstFault):
                yield
        finally:
            self._limit = limit
            self.found.sort(key=_by_place)
            del self.found[limit:]

    @contextmanager
    def held(self) -> Iterator[list[Fault]]:
        """Hold back the faults of a stretch, whatever the limit; give them to ``take`` afterwards."""
        limit, self._limit = self._limit, 1 << 62
        found, self.found = self.found, []
        held = self.found
        is_whole = False
        try:
            yield held
            is_whole = True
        finally:
            self._limit, self.found = limit, found
            if not is_whole:
                self.take(held)

    def take(self, held: Iterable[Fault]) -> None:
        """Note faults that were held back, those of the earliest events first."""
        for fault in sorted(held, key=_by_place):
            self._note(fault)

    def add(self, what: str, *, seq: int | None = None, task_id: str | None = None) -> None:
        """Note one fault; raises ``FirstFault`` when with this one there are as many as were asked for."""
        self._note(Fault(seq, task_id, what))

    def _note(self, fault: Fault) -> None:
        self.found.append(fault)
        if len(self.found) >= self._limit:
            raise FirstFault


def _by_place(fault: Fault) -> tuple[bool, int]:
    return (fault.seq is None, fault.seq or 0)


def shown(value: object) -> str:
    """Return a value of a cell as it stands in a fault: one line, not endless."""
    text = value.hex() if isinstance(value, bytes) else repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
