"""Handing loads to a load generator that runs as a process of its own."""

import sys
from contextlib import ExitStack
from pathlib import Path

from benchmarks.loading import Load
from benchmarks.processes import Running

Request = tuple[str, str, str | None, object]  # method, path, token, body


def start(stack: ExitStack, folder: Path, module: str = "benchmarks.loading") -> Running:
    """Start *module*, which takes orders, as a process that *stack* ends."""
    return stack.enter_context(Running([sys.executable, "-m", module], log=folder / "load.log", pipes=True))


def load(loader: Running, port: int, requests: list[Request], *, connections: int, seconds: float) -> Load:
    """Keep *connections* busy with *requests* in turn; every answer must be a 200."""
    order = {"port": port, "requests": requests, "connections": connections, "seconds": seconds}
    found: Load = loader.ask(order)
    assert set(found["statuses"]) == {"200"}, found
    return found
