"""A schedule of a real server: fired in time, run by a real worker, and not twice through a restart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from clawtrail import Client, Task
from tests.support.patience import until
from tests.support.processes import start_server, start_worker

EVERY_SECOND = "* * * * * *"


def _events(client: Client, name: str) -> list[dict[str, Any]]:
    tasks = list(client.list(actor=f"schedule:{name}"))
    return [
        {"at": event.at, **event.detail}
        for task in tasks
        for event in client.history(task.task_id)
        if event.type == "schedule.fired"
    ]


def test_a_real_server_fires_within_a_second(tmp_path: Path) -> None:
    """Tasks of a schedule run within a second of their times; after a kill none of these comes again."""
    with (
        start_server(tmp_path / "data") as server,
        start_worker(server, tmp_path / "wim"),
        Client(server.url, server.token) as client,
    ):
        client.schedules.add("tick", EVERY_SECOND, Task.make(argv=["true"]), overlap="queue")
        until(lambda: len(list(client.list(actor="schedule:tick", state=["completed"]))) >= 2, every=0.1)
        server.kill()
        server.restart()
        before = len(_events(client, "tick"))
        until(lambda: len(_events(client, "tick")) > before, every=0.1)
        client.schedules.pause("tick")
        fired = _events(client, "tick")
    instants = [one["instant"] for one in fired]
    assert len(set(instants)) == len(instants) >= 3
    late = sorted(one["at"] - one["instant"] for one in fired)
    assert late[0] >= 0
    assert late[0] < 1500
