"""Reading lists, details, the record and the workers."""

from __future__ import annotations

from itertools import islice

import pytest

import clawtrail
from clawtrail import BadAnswer, Client, errors
from tests.support.answers import SUMMARY, event
from tests.support.scripted_server import Asked, Reply, ScriptedServer, reply


def pages(asked: Asked) -> Reply:
    """Answer a list of seven tasks by pages, the cursor being the number of those that were given."""
    given, limit = int(asked.query.get("cursor", "0")), int(asked.query["limit"])
    ids = range(given, min(7, given + min(limit, 3)))
    cursor = str(ids.stop) if ids.stop < 7 else None
    return reply(200, {"tasks": [SUMMARY | {"taskId": f"t-{i}"} for i in ids], "nextCursor": cursor})


def test_a_list_goes_on_over_its_pages(server: ScriptedServer, ada: Client) -> None:
    """All tasks come, each once, whatever the size of a page."""
    server.on("GET", "/tasks", pages)
    assert [task.task_id for task in ada.list()] == [f"t-{i}" for i in range(7)]


@pytest.mark.parametrize(("limit", "requests"), [(0, 0), (2, 1), (3, 1), (5, 2), (100, 3)])
def test_a_limited_list_asks_for_no_more(
    server: ScriptedServer, ada: Client, limit: int, requests: int
) -> None:
    """With a limit no further page is fetched than needed."""
    server.on("GET", "/tasks", pages)
    assert len(list(ada.list(limit=limit))) == min(limit, 7)
    assert len(server.asked) == requests


def test_pages_are_fetched_when_they_are_wanted(server: ScriptedServer, ada: Client) -> None:
    """A list that is left early costs only the pages that were looked at."""
    server.on("GET", "/tasks", pages)
    assert [task.task_id for task in islice(ada.list(), 3)] == ["t-0", "t-1", "t-2"]
    assert len(server.asked) == 1


def test_filters_go_with_every_page(server: ScriptedServer, ada: Client) -> None:
    """What the list is narrowed to holds for all of its pages."""
    server.on("GET", "/tasks", pages)
    list(ada.list(state=["failed", "unknown"], actor="client:ada", q="a&b", since=5))
    asked = {"state": "failed,unknown", "actor": "client:ada", "q": "a&b", "since": "5", "limit": "200"}
    assert [{k: v for k, v in one.query.items() if k != "cursor"} for one in server.asked] == [asked] * 3


def test_a_summary_has_its_types(server: ScriptedServer, ada: Client) -> None:
    """Members arrive under Python's names, and the raw answer is kept."""
    server.on("GET", "/tasks", reply(200, {"tasks": [SUMMARY], "nextCursor": None}))
    [task] = ada.list()
    assert (task.state, task.exit_code, task.created_at, task.tags) == ("failed", 2, 1000, ("nightly",))
    assert task.raw == SUMMARY


def test_show_tells_everything(server: ScriptedServer, ada: Client) -> None:
    """Content, outcomes and the explanation come typed."""
    outcome = {
        "attempt": 1,
        "accepted": True,
        "exitCode": 2,
        "error": None,
        "durationMs": 490,
        "reportedAt": 1500,
    }
    explain = {"why": "It ended with exit code 2.", "next": "Nothing.", "safeToResend": False}
    answer = {"task": SUMMARY | {"payload": {"command": "make"}}, "outcomes": [outcome], "explain": explain}
    server.on("GET", "/tasks/t-1/detail", reply(200, answer))
    detail = ada.show("t-1")
    assert detail.payload == {"command": "make"}
    assert (detail.outcomes[0].accepted, detail.outcomes[0].exit_code) == (True, 2)
    assert (detail.why, detail.safe_to_resend) == ("It ended with exit code 2.", False)


def test_history_is_the_record_of_one_task(server: ScriptedServer, ada: Client) -> None:
    """Events come in the order of the record."""
    server.on("GET", "/tasks/t-1/events", reply(200, {"events": [event(7, "task.submitted")]}))
    [submitted] = ada.history("t-1")
    assert (submitted.seq, submitted.type, submitted.actor) == (7, "task.submitted", "client:ada")


def test_workers_say_whether_they_are_there(server: ScriptedServer, ada: Client) -> None:
    """Each worker comes with its presence and its room."""
    wim = {
        "workerId": "wim",
        "name": "Wim",
        "state": "active",
        "online": True,
        "kinds": ["command"],
        "labels": [],
    }
    server.on("GET", "/workers", reply(200, {"workers": [wim | {"version": "1", "free": 3, "held": 0}]}))
    [worker] = ada.workers()
    assert (worker.worker_id, worker.online, worker.free) == ("wim", True, 3)


def test_stats_count_by_state(server: ScriptedServer, ada: Client) -> None:
    """The counts come as numbers by state."""
    queue = {"total": 3, "byStatus": {"pending": 1, "completed": 2}, "unconsumedResults": 0}
    server.on("GET", "/tasks/stats", reply(200, {"queue": queue}))
    assert ada.stats().by_status == {"pending": 1, "completed": 2}


@pytest.mark.parametrize(
    "answer",
    [{"tasks": {}}, {"tasks": ["t-1"]}, {"tasks": [{}]}, {"tasks": [SUMMARY | {"createdAt": "now"}]}],
)
def test_a_list_of_something_else_is_refused(server: ScriptedServer, ada: Client, answer: object) -> None:
    """What is not a list of tasks is `BadAnswer`, whichever way it is not one."""
    server.on("GET", "/tasks", reply(200, answer))
    with pytest.raises(BadAnswer, match="not as expected"):
        list(ada.list())


@pytest.mark.parametrize("status", [*range(400, 432), 451, *range(500, 512)])
def test_every_status_has_its_error(status: int) -> None:
    """Each status of refusal stands for one class of the tree."""
    expected = {
        401: errors.Unauthorized,
        402: errors.BudgetSpent,
        403: errors.Forbidden,
        404: errors.NotFound,
        409: errors.Conflict,
        429: errors.Busy,
    }
    fallback = errors.ServerFailed if status >= 500 else errors.InvalidRequest
    assert errors.refusal_for(status) is expected.get(status, fallback)


def test_the_drawn_tree_of_errors_is_the_real_one() -> None:
    """Every error stands in the drawing, under its parent, and is exported."""
    drawn = (errors.__doc__ or "").replace("│", " ")
    classes = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.ClawtrailError)
    ]
    for kind in classes:
        depth = len(kind.__mro__) - len(errors.ClawtrailError.__mro__)
        [line] = [line for line in drawn.splitlines() if line.strip(" ├└─").split(" ")[0] == kind.__name__]
        assert line.index(kind.__name__) == 4 * (depth + 1), line
        assert getattr(clawtrail, kind.__name__) is kind


def test_every_exported_name_is_there() -> None:
    """What the package promises can be imported from it, and nothing else can."""
    assert all(getattr(clawtrail, name) for name in clawtrail.__all__)
    with pytest.raises(AttributeError):
        clawtrail.Nothing  # noqa: B018 - asking for it is the test
