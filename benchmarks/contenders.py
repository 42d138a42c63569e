"""A contender: its servers, its workers and one client process, paused while others have their turn."""

import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.processes import Running


class Contender:
    """The processes that run tasks in one way, and the client process that asks for them."""

    def __init__(self, name: str, running: list[Running], client: Running) -> None:
        self.name = name
        self.running = running
        self.client = client

    def ask(self, **order: object) -> Any:  # noqa: ANN401 - whatever JSON the client answers
        """Have the client process do *order* (see `driving.serve`) and return its answer.

        Everything of this contender runs only meanwhile. Raises `Ended` when the client does.
        """
        for one in self.running:
            one.resume()
        answer = self.client.ask(order)
        for one in self.running:
            one.pause()
        return answer

    def cpu_seconds(self) -> dict[str, float]:
        """Return the processor seconds used so far, by each process family of this contender."""
        return {one.log.stem: one.cpu_seconds() for one in [*self.running, self.client]}


def start_client(
    stack: ExitStack, module: str, *, python: str = sys.executable, log: Path, env: Mapping[str, str]
) -> Running:
    """Start the client process of a contender, whose `new_call` is in *module*; *stack* ends it."""
    command = [python, "-m", "benchmarks.driving", module]
    return stack.enter_context(Running(command, log=log, env=env, pipes=True))
