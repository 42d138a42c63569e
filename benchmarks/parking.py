"""A thousand workers in one process: parks their polls, answers orders, and times how they are woken."""

import json
import selectors
import sys
import time
from dataclasses import dataclass, field

from benchmarks.loading import Connection, encode

WAIT_MS = 25_000
# Parked workers run only what the load beside them never submits, so that it wakes none of them.
KINDS = ["file-read"]


class NotWoken(Exception):
    """A task was submitted and no parked poll brought it."""


@dataclass
class Parked:
    """One worker's connection, parked or about to be."""

    name: str
    connection: Connection

    def park(self, token: str) -> None:
        """Send the poll that the server holds until there is a task or the time is up."""
        body: dict[str, object] = {
            "workerId": self.name,
            "session": self.name,
            "kinds": KINDS,
            "labels": [],
            "version": "bench",
        }
        body |= {"free": 1, "leases": [], "inFlight": 0, "wait": WAIT_MS}
        self.connection.send(encode("POST", "/worker/sync", token, body))


@dataclass
class Lot:
    """Everybody parked at one server; used by one thread."""

    port: int
    wait_port: int
    token: str
    selector: selectors.DefaultSelector = field(default_factory=selectors.DefaultSelector)

    def park(self, count: int) -> int:
        """Open *count* connections and park a poll on each; return how many there are."""
        for number in range(count):
            one = Parked(f"parked-{number}", Connection(self.wait_port))
            one.park(self.token)
            self.selector.register(one.connection.socket, selectors.EVENT_READ, one)
        return count

    def leave(self) -> int:
        """Hang up on all; return how many there were."""
        keys = [key for key in self.selector.get_map().values() if isinstance(key.data, Parked)]
        for key in keys:
            self.selector.unregister(key.fileobj)
            key.data.connection.close()
        return len(keys)

    def look(self, seconds: float) -> tuple[list[tuple[Parked, dict[str, str]]], bool]:
        """Handle what comes within *seconds*; return who got which task, and whether an order waits.

        Polls that came back with nothing are parked again.
        """
        brought = []
        ordered = False
        for key, _ in self.selector.select(seconds):
            if not isinstance(key.data, Parked):
                ordered = True
            elif (answer := key.data.connection.receive()) is not None:
                tasks = self._tasks(answer)
                if tasks:
                    brought.append((key.data, tasks[0]))
                else:
                    key.data.park(self.token)
        return brought, ordered

    def wake(self, times: int) -> list[float]:
        """Submit *times* tasks, one after the other; return the ms from each submit to the poll it woke."""
        teller = Connection(self.port)
        took = []
        for number in range(times):
            request = encode("POST", "/files/read", self.token, {"path": f"/nowhere/{number}"})
            begin = time.perf_counter()
            teller.send(request)
            worker, task = self._next(begin + 10)
            took.append((time.perf_counter() - begin) * 1000)
            while teller.receive() is None:
                pass
            self._finish(teller, worker, task)
            worker.park(self.token)
        teller.close()
        return took

    def _next(self, end: float) -> tuple[Parked, dict[str, str]]:
        while time.perf_counter() < end:
            brought, _ = self.look(0.1)
            if brought:
                return brought[0]
        raise NotWoken

    def _tasks(self, answer: tuple[int, bytes]) -> list[dict[str, str]]:
        status, body = answer
        if status != 200:
            raise RuntimeError(f"a poll was answered {status}: {body[:300]!r}")
        tasks: list[dict[str, str]] = json.loads(body)["tasks"]
        return tasks

    def _finish(self, teller: Connection, worker: Parked, task: dict[str, str]) -> None:
        """Report start and result, so that nothing is left over that would wake anybody later."""
        start = {"type": "start", "lease": task["lease"]}
        result = {"type": "result", "lease": task["lease"], "exitCode": 0, "error": None, "durationMs": 1}
        result |= {"metadata": None, "stdout": "", "stderr": "", "truncated": False}
        body: dict[str, object] = {
            "workerId": worker.name,
            "session": worker.name,
            "items": [start, result],
            "free": 0,
        }
        status, answer = teller.ask(encode("POST", "/worker/report", self.token, body))
        if status != 200:
            raise RuntimeError(f"a report was answered {status}: {answer[:300]!r}")


def main() -> None:
    """Do the orders on standard input: park, leave, wake; keep polls parked between them."""
    first = json.loads(sys.stdin.readline())
    lot = Lot(**first)
    print(json.dumps("ready"), flush=True)
    lot.selector.register(sys.stdin, selectors.EVENT_READ)
    while True:
        _, ordered = lot.look(1)
        if not ordered:
            continue
        line = sys.stdin.readline()
        if not line:
            return
        order = json.loads(line)
        if order["act"] == "park":
            answer: object = lot.park(order["count"])
        elif order["act"] == "leave":
            answer = lot.leave()
        else:
            answer = lot.wake(order["times"])
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
