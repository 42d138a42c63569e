"""The client side of a contender: a process of its own that runs tasks when told to by lines of JSON."""

import importlib
import json
import sys
import threading
import time
from collections.abc import Callable

Call = Callable[[], None]


def serve(new_call: Callable[[], Call]) -> None:
    """Answer each line of standard input with one line of JSON, until the input ends.

    *new_call* makes, for the thread that calls it, a function that submits one task and returns when
    its result is there. ``{"act": "latency", "tasks": n}`` answers the seconds of each of n tasks in a
    row; ``{"act": "throughput", "seconds": s, "clients": c}`` the tasks a second of c threads.
    """
    call = new_call()
    for line in sys.stdin:
        order = json.loads(line)
        if order["act"] == "latency":
            answer: object = [_timed(call) for _ in range(order["tasks"])]
        else:
            answer = _throughput(new_call, clients=order["clients"], seconds=order["seconds"])
        print(json.dumps(answer), flush=True)


def _timed(call: Call) -> float:
    before = time.perf_counter()
    call()
    return time.perf_counter() - before


def _throughput(new_call: Callable[[], Call], *, clients: int, seconds: float) -> float:
    """Let every client run tasks back to back; the first of each warms up and is not counted."""
    ends: list[list[float]] = []
    start = threading.Barrier(clients)

    def run(done: list[float]) -> None:
        call = new_call()
        call()
        start.wait()
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            call()
            done.append(time.perf_counter())

    threads = []
    for _ in range(clients):
        done: list[float] = []
        ends.append(done)
        threads.append(threading.Thread(target=run, args=(done,)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    every = sorted(end for done in ends for end in done)
    return (len(every) - 1) / (every[-1] - every[0])


if __name__ == "__main__":
    # Its own name, not __main__, is what the module's tasks must be known by in the queue.
    serve(importlib.import_module(sys.argv[1]).new_call)
