"""The table of executors: kind of task to the function that runs it."""

from functools import partial
from importlib.metadata import entry_points

from worker.executors import file_edit, file_read, file_write
from worker.executors.agents.running import Agents
from worker.executors.command import Commands
from worker.orders import Executor

GROUP = "clawtrail.executors"


def load(commands: Commands, agents: Agents | None = None) -> dict[str, Executor]:
    r"""Give the executors of this worker: its own, and those of installed packages.

    A package adds a kind with an entry point in the group ``clawtrail.executors``, named as the kind, that
    leads to an ``Executor`` (see ``worker.orders``). It cannot replace one of ours. ::

        def greet(order, run):
            run.write("stdout", f"Hello, {order.payload['name']}\n".encode())
            return Ending(exit_code=0)
    """
    theirs: dict[str, Executor] = {point.name: point.load() for point in entry_points(group=GROUP)}
    ours: dict[str, Executor] = {}
    if agents is not None:
        ours |= {kind: partial(agents.run, kind) for kind in agents.planner.installed}
    return (
        theirs
        | ours
        | {
            "command": commands.run,
            "file-read": file_read.run,
            "file-write": file_write.run,
            "file-edit": file_edit.run,
        }
    )
