"""GET /claude/sessions, /claude/recent, /codex/recent, /sessions/state and /sessions/stats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.domain.timing import ACTIVE_MS
from tests.support import cast
from tests.support.machine import Machine, result
from tests.support.service import NOON, Caller, RunningService, running_service


def ask(caller: Caller, path: str, session: str, **said: object) -> str:
    """Hand a prompt over and return the task's id."""
    response = caller.post(path, {"prompt": "x", "sessionId": session, **said})
    return str(response.get_json()["taskId"])


def listed(caller: Caller, path: str) -> list[dict[str, Any]]:
    """Return the sessions that *path* lists."""
    response = caller.get(path)
    assert response.status_code == 200
    found: list[dict[str, Any]] = response.get_json()["sessions"]
    return found


def found(cli: str, *sessions: dict[str, object]) -> dict[str, object]:
    """Return the item by which a worker tells of sessions."""
    return {"type": "recent", "cli": cli, "sessions": list(sessions)}


def test_sessions_are_listed_with_the_newest_activity_first(service: RunningService, ada: Caller) -> None:
    """Each has how many tasks it had and when something happened last; Claude's list has no others."""
    ask(ada, "/claude", "a", callbackChannel="1")
    service.clock.move(10)
    ask(ada, "/claude", "b")
    ask(ada, "/codex", "c")
    service.clock.move(10)
    ask(ada, "/claude", "a", callbackChannel="2")
    ask(ada, "/claude", "a")
    sessions = listed(ada, "/claude/sessions")
    assert [(one["sessionId"], one["lastActivity"], one["taskCount"]) for one in sessions] == [
        ("a", NOON + 20, 3),
        ("b", NOON + 10, 1),
    ]
    assert [one["callbackChannel"] for one in sessions] == ["2", None]
    every = listed(ada, "/sessions/state?limit=2")
    assert [(one["sessionId"], one["cliType"]) for one in every] == [("a", "claude"), ("b", "claude")]
    (codex,) = listed(ada, "/sessions/state?cliType=codex")
    assert codex == {
        "sessionId": "c",
        "cliType": "codex",
        "lastActivity": NOON + 10,
        "taskCount": 1,
        "callbackChannel": None,
        "createdAt": NOON + 10,
        "unfinished": 1,
        "active": True,
    }
    assert listed(ada, "/sessions/state?cliType=other") == []


def test_sessions_count_as_active_for_a_while(service: RunningService, ada: Caller) -> None:
    """While a task is unfinished, and half an hour after the last one; then they are still listed."""
    wim = Machine(service.as_(cast.WIM), kinds=("claude-cli",))
    ask(ada, "/claude", "a")
    ask(ada, "/claude", "b")
    ask(ada, "/codex", "c")
    claims = wim.sync(free=2)["tasks"]
    wim.report(*({"type": "start", "lease": claim["lease"]} for claim in claims))
    wim.report(*(result(claim) for claim in claims))
    stats = ada.get("/sessions/stats").get_json()["sessions"]
    assert stats == {
        "active": 3,
        "oldestLastActivity": NOON,
        "newestLastActivity": NOON,
        "retentionMs": ACTIVE_MS,
        "byType": [{"cliType": "claude", "count": 2}, {"cliType": "codex", "count": 1}],
    }
    assert ada.get("/health").get_json()["activeSessions"] == 3
    service.clock.move(ACTIVE_MS)
    assert ada.get("/health").get_json()["activeSessions"] == 1
    assert ada.get("/sessions/stats").get_json()["sessions"]["byType"] == [{"cliType": "codex", "count": 1}]
    assert [one["active"] for one in listed(ada, "/sessions/state")] == [False, False, True]


def test_without_sessions_there_are_none(ada: Caller) -> None:
    """Nothing is made up: empty lists, and no activity."""
    assert listed(ada, "/claude/sessions") == listed(ada, "/sessions/state") == []
    stats = ada.get("/sessions/stats").get_json()["sessions"]
    assert (stats["active"], stats["oldestLastActivity"], stats["byType"]) == (0, None, [])


@pytest.mark.parametrize("cli", ["claude", "codex"])
def test_recent_without_a_worker_is_an_error_with_200(house: RunningService, cli: str) -> None:
    """Old bots look at the list and print the error."""
    told = house.as_(cast.ADA).get(f"/{cli}/recent").get_json()
    assert told == {"sessions": [], "error": f"No worker has told of sessions of {cli} yet."}


def test_recent_is_what_workers_found_newest_first(ada: Caller, wim: Machine, wes: Machine) -> None:
    """Of each worker the newest report counts; the lists are put together, and cut to the limit."""
    old = {"sessionId": "gone", "project": "p", "lastModified": 1, "sizeKB": 3, "topic": "t"}
    assert wim.report(found("claude", old)) == [{"ok": True}]
    mine = [{**old, "sessionId": f"w{n}", "lastModified": NOON + 2 * n, "more": True} for n in range(15)]
    wim.report(found("claude", *mine))
    hers = [{**old, "sessionId": f"v{n}", "lastModified": NOON + 2 * n + 1} for n in range(15)]
    wes.report(found("claude", *hers), found("codex"))
    names = [one["sessionId"] for one in listed(ada, "/claude/recent?limit=3")]
    assert names == ["v14", "w14", "v13"]
    for limit, count in (("", 10), ("?limit=20", 20), ("?limit=1000", 20), ("?limit=0", 1), ("?limit=-5", 1)):
        assert len(listed(ada, f"/claude/recent{limit}")) == count
    assert ada.get("/codex/recent").get_json() == {"sessions": []}


def test_a_time_is_told_as_number_or_text_and_shown_as_text(ada: Caller, wim: Machine) -> None:
    """Old programs know ISO 8601; the size loses its fraction."""
    as_text = {
        "sessionId": "a",
        "lastModified": "2027-01-15T09:00:00+01:00",
        "sizeKB": 1.7,
        "topic": "é" * 900,
    }
    wim.report(found("codex", as_text, {"sessionId": "b", "lastModified": NOON}))
    first, second = listed(ada, "/codex/recent")
    assert first["lastModified"] == second["lastModified"] == "2027-01-15T08:00:00.000Z"
    assert {name: first[name] for name in ("sizeKB", "topic", "project", "worker")} == {
        "sizeKB": 1,
        "topic": "é" * 500,
        "project": None,
        "worker": "wim",
    }


BAD = {
    "too many": found("claude", *[{"sessionId": "s", "lastModified": 1}] * 21),
    "another agent": found("gpt"),
    "no time": found("claude", {"sessionId": "s"}),
    "a time of words": found("claude", {"sessionId": "s", "lastModified": "yesterday"}),
    "a time beyond all years": found("claude", {"sessionId": "s", "lastModified": 2**52}),
    "no id": found("claude", {"sessionId": "", "lastModified": 1}),
}


@pytest.mark.parametrize("item", BAD.values(), ids=BAD)
def test_what_is_no_list_of_sessions_is_refused(house: RunningService, item: dict[str, object]) -> None:
    """A wrong report is a 400 with a sentence, and what was known before stays."""
    response = Machine(house.as_(cast.WIM)).tell(item)
    assert response.status_code == 400
    assert response.get_json()["error"]
    assert "error" in house.as_(cast.ADA).get("/claude/recent").get_json()


def test_sessions_survive_a_restart(tmp_path: Path) -> None:
    """What was listed before is listed after, also what workers found."""
    data = tmp_path / "data"
    paths = ("/claude/sessions", "/sessions/state", "/sessions/stats", "/claude/recent", "/health")
    with running_service(data) as service:
        ask(service.as_(cast.ADA), "/claude", "a", callbackChannel="1")
        Machine(service.as_(cast.WIM)).report(found("claude", {"sessionId": "s", "lastModified": 1}))
        before = [service.as_(cast.ADA).get(path).get_json() for path in paths]
        clock = service.clock
    with running_service(data, clock=clock) as service:
        assert [service.as_(cast.ADA).get(path).get_json() for path in paths] == before
    assert before[-1]["activeSessions"] == 1


def test_stats_of_events_are_in_the_old_form_too(ada: Caller) -> None:
    """Old programs find how many there are, from when to when, and the types, the most frequent first."""
    ask(ada, "/claude", "a")
    told = ada.get("/events/stats").get_json()
    stats = told["stats"]
    assert stats["count"] == told["total"] == sum(one["count"] for one in stats["byType"])
    assert (stats["oldestCreatedAt"], stats["newestCreatedAt"]) == (NOON, NOON)
    assert stats["byType"][0] == {"type": "token.created", "count": 9}
