"""Schedules from Python: what is sent, what comes back typed."""

from __future__ import annotations

import pytest

from clawtrail import Client, Conflict, NotFound, Schedule, Task
from tests.support.answers import ACCEPTED
from tests.support.scripted_server import ScriptedServer, reply

SHOWN = {
    "name": "report",
    "state": "paused",
    "pausedWhy": "token",
    "cron": "0 9 * * *",
    "tz": "Europe/Berlin",
    "misfire": "skip",
    "overlap": "queue",
    "summary": "date",
    "task": {"kind": "command", "command": "date"},
    "createdBy": "client:ada",
    "createdAt": 1000,
    "nextAt": None,
    "lastAt": 2000,
    "lastTaskId": "t-1",
    "lastState": "completed",
    "next": ["2027-01-15T09:00:00+01:00"],
}


def test_a_schedule_is_typed(server: ScriptedServer, ada: Client) -> None:
    """Everything that is known of it is at hand, and the whole answer too."""
    server.on("GET", "/schedules/a%2Fb", reply(200, SHOWN))
    server.on("GET", "/schedules", reply(200, {"schedules": [SHOWN]}))
    found = ada.schedules.show("a/b")
    assert (found.name, found.state, found.paused_why) == ("report", "paused", "token")
    assert (found.next_at, found.last_at, found.last_task_id, found.last_state) == (
        None,
        2000,
        "t-1",
        "completed",
    )
    assert (found.upcoming, found.raw) == (("2027-01-15T09:00:00+01:00",), SHOWN)
    assert ada.schedules.list() == (found,)


@pytest.mark.parametrize(
    ("task", "sent"),
    [
        (Task.make("date", tags=["t"], ttl=5), {"command": "date", "tags": ["t"], "ttl": 5000}),
        (Task.of_kind("greet", {"whom": "Ben"}), {"kind": "greet", "payload": {"whom": "Ben"}}),
        (Task.prompt("codex", "hi", session_id="s"), {"kind": "codex-cli", "prompt": "hi", "sessionId": "s"}),
    ],
)
def test_any_task_but_of_files_can_be_scheduled(
    server: ScriptedServer, ada: Client, task: Task, sent: dict[str, object]
) -> None:
    """Its content goes into the schedule as its route would take it."""
    server.on("POST", "/schedules", reply(200, SHOWN))
    assert isinstance(ada.schedules.add("n", "@daily", task, tz="Europe/Berlin", overlap="queue"), Schedule)
    timing = {"cron": "@daily", "tz": "Europe/Berlin", "overlap": "queue"}
    assert server.asked[0].json == {"name": "n", **timing, "task": sent}
    with pytest.raises(ValueError, match="file operations"):
        ada.schedules.add("n", "@daily", Task.file_read("/x"))


def test_each_act_has_its_route(server: ScriptedServer, ada: Client) -> None:
    """Changing sends what is given; running brings the task, and carries a key for its retries."""
    for act in ("change", "pause", "resume", "remove"):
        server.on("POST", f"/schedules/n/{act}", reply(200, SHOWN))
    server.on("POST", "/schedules/n/run", reply(200, ACCEPTED))
    ada.schedules.change("n", cron="@weekly", task=Task.make("date"))
    ada.schedules.pause("n")
    ada.schedules.resume("n")
    assert ada.schedules.run("n").task_id == ACCEPTED["taskId"]
    ada.schedules.remove("n")
    assert server.asked[0].json == {"cron": "@weekly", "task": {"command": "date"}}
    assert server.asked[3].headers["Idempotency-Key"]


def test_refusals_have_their_names(server: ScriptedServer, ada: Client) -> None:
    """A taken name is a conflict, a wrong one is not found."""
    server.on("POST", "/schedules", reply(409, {"error": "taken", "code": "schedule_exists"}))
    server.on("GET", "/schedules/n", reply(404, {"error": "none", "code": "schedule_not_found"}))
    with pytest.raises(Conflict):
        ada.schedules.add("n", "@daily", Task.make("date"))
    with pytest.raises(NotFound):
        ada.schedules.show("n")
