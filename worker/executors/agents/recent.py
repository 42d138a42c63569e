"""The newest sessions on this machine, as the service is told of them."""

from collections.abc import Callable, Iterator
from heapq import nlargest
from queue import Empty, SimpleQueue

from pydantic import JsonValue

from worker import items
from worker.executors.agents.cli import CLIS, Cli
from worker.executors.agents.planning import Planner
from worker.executors.agents.resolving import Disk
from worker.executors.agents.stored import Stored
from worker.executors.agents.story import clean
from worker.masking.streams import SHAPES_ALONE, Masking
from worker.output import Chunk

MOST = 20
_MOST_TOPIC = 120


def list_recent(cli: Cli, disk: Disk, masking: Masking = SHAPES_ALONE) -> list[dict[str, JsonValue]]:
    """List the newest sessions of an agent, at most 20, the newest first; instants are epoch milliseconds."""
    by_age = nlargest(MOST, _dated(cli, disk), key=lambda one: one[0])
    told: list[dict[str, JsonValue]] = []
    for changed_ns, size, session in by_age:
        folder, words = cli.about(session)
        told.append(
            {
                "sessionId": clean(session.id, 200),
                "project": clean(masking.text(str(folder or session.file.parent.name)), 500),
                "lastModified": changed_ns // 1_000_000,
                "sizeKB": -(-size // 1024),
                "topic": clean(masking.text(" ".join(words.split())), _MOST_TOPIC),
            }
        )
    return told


def _dated(cli: Cli, disk: Disk) -> Iterator[tuple[int, int, Stored]]:
    for session in cli.stored(disk.env, disk.home, ""):
        try:
            status = session.file.stat()
        except OSError:  # gone meanwhile
            continue
        yield status.st_mtime_ns, status.st_size, session


class Recents:
    """Tells the service which sessions there are: at the start, and when a run of an agent is over.

    ``changed`` may be called by any thread, ``run`` is a thread of its own.
    """

    def __init__(self, planner: Planner, masking: Callable[[], Masking] = lambda: SHAPES_ALONE) -> None:
        self._planner = planner
        self._masking = masking
        self._changed: SimpleQueue[str] = SimpleQueue()
        for cli in CLIS:
            if cli.kind in planner.installed:
                self.changed(cli.name)

    def changed(self, cli: str) -> None:
        """Have the sessions of this agent told anew."""
        self._changed.put(cli)

    def run(self, courier: "SimpleQueue[Chunk | None]") -> None:
        """Tell what changed, as long as the worker lives; what changes meanwhile is told together."""
        while True:
            names = {self._changed.get()}
            try:
                while True:
                    names.add(self._changed.get_nowait())
            except Empty:
                pass
            for cli in CLIS:
                if cli.name in names:
                    told = list_recent(cli, self._planner.disk, self._masking())
                    courier.put(Chunk(items.recent(cli.name, told)))
