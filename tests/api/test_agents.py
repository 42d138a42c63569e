"""POST /claude, /codex and /gemini: prompts for agents, with the fields and defaults that old bots know."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.support import cast
from tests.support.machine import Machine, result, start
from tests.support.service import Caller, RunningService, running_service

AGENTS = {"/claude": "claude-cli", "/codex": "codex-cli", "/gemini": "gemini-cli"}
CHAT = {
    "origin": "discord",
    "dispatchMode": "agent-tool",
    "responseMode": "direct-callback",
    "entrypoint": "bot",
}


@pytest.fixture
def wim(service: RunningService) -> Machine:
    """Wim's machine, which runs agents."""
    return Machine(service.as_(cast.WIM), kinds=tuple(AGENTS.values()))


def ask(caller: Caller, path: str = "/claude", **said: object) -> dict[str, Any]:
    """Hand a prompt over and return the answer."""
    response = caller.post(path, {"prompt": "say hi", **said})
    assert response.status_code == 200, response.text
    told: dict[str, Any] = response.get_json()
    return told


@pytest.mark.parametrize("path", AGENTS)
def test_a_session_id_is_always_in_the_answer(ada: Caller, wim: Machine, path: str) -> None:
    """Without one the server makes one, and tells the worker that the session is new."""
    told = ask(ada, path)
    assert set(told) == {"taskId", "sessionId", "message", "status"}
    assert (str(uuid.UUID(told["sessionId"])), told["status"]) == (told["sessionId"], "pending")
    claimed = wim.claim()
    assert claimed["kind"] == AGENTS[path]
    assert claimed["payload"] == {"prompt": "say hi", "sessionId": told["sessionId"], "isNew": True}
    assert claimed["sessionKey"] == f"{AGENTS[path]}:{told['sessionId']}"


def test_a_session_goes_on_under_the_id_that_is_given(ada: Caller, wim: Machine) -> None:
    """Any text up to 200 characters is an id; it comes back as it was, and is not new."""
    for session in ("telegram:42/é ☎", "x" * 200, "  with blanks around  "):
        assert ask(ada, sessionId=session)["sessionId"] == session.strip()
        claimed = wim.start()
        assert claimed["payload"] == {"prompt": "say hi", "sessionId": session.strip()}
        wim.report(result(claimed))
    assert ada.post("/claude", {"prompt": "x", "sessionId": "x" * 201}).status_code == 400


@pytest.mark.parametrize("session", [None, "", "   "])
def test_a_blank_session_id_is_none(house: RunningService, session: object) -> None:
    """Old bots send null or nothing between quotes for a new session."""
    uuid.UUID(ask(house.as_(cast.ADA), sessionId=session)["sessionId"])


@pytest.mark.parametrize(
    ("path", "kept"), {"/claude": 120_000, "/codex": 300_000, "/gemini": 300_000}.items()
)
def test_the_default_timeouts_are_those_of_old(house: RunningService, path: str, kept: int) -> None:
    """Claude has two minutes, the others five; what is said is brought into bounds."""
    ada = house.as_(cast.ADA)
    for said, timeout in (({}, kept), ({"timeout": 10**9}, 86_400_000), ({"timeout": 5}, 1000)):
        task_id = ask(ada, path, **said)["taskId"]
        assert ada.get(f"/tasks/{task_id}/detail").get_json()["task"]["timeout"] == timeout


@pytest.mark.parametrize("path", AGENTS)
@pytest.mark.parametrize("body", [{}, {"prompt": ""}, {"prompt": " \n"}, {"prompt": 5}, {"prompt": None}])
def test_a_prompt_is_required(house: RunningService, path: str, body: object) -> None:
    """Without a text that says something the answer is 400 in the old words, and nothing is kept."""
    before = house.count_events()
    response = house.as_(cast.ADA).post(path, body)
    assert (response.status_code, response.get_json()["error"]) == (400, "prompt is required")
    assert house.count_events() == before


BAD = {
    "a number as session": {"sessionId": 5},
    "a negative limit": {"maxCostUsd": -1},
    "no limit": {"maxCostUsd": 0},
    "a fortune": {"maxCostUsd": 1e9},
    "a limit of text": {"maxCostUsd": "much"},
    "another template": {"callbackTemplate": "loud"},
    "a list as channel": {"callbackChannel": ["1"]},
    "a long model": {"model": "m" * 201},
    "a NUL": {"prompt": "a\0b"},
}


@pytest.mark.parametrize("said", BAD.values(), ids=BAD)
def test_what_cannot_be_is_refused(house: RunningService, said: dict[str, object]) -> None:
    """A wrong field is a 4xx with a sentence, and nothing is kept."""
    before = house.count_events()
    response = house.as_(cast.ADA).post("/claude", {"prompt": "x", **said})
    assert response.status_code == 400
    assert response.get_json()["error"]
    assert house.count_events() == before


def test_unknown_fields_are_ignored(ada: Caller, wim: Machine) -> None:
    """Old bots may send what nobody knows any more; the prompt arrives as it was written."""
    ask(ada, prompt="  mind\nthe blanks  ", shouting=True, resumeLatest=True)
    payload = wim.claim()["payload"]
    assert payload["prompt"] == "  mind\nthe blanks  "
    assert set(payload) == {"prompt", "sessionId", "isNew"}


def test_everything_that_is_said_reaches_the_worker(ada: Caller, wim: Machine) -> None:
    """The payload holds what was given, in its own words, and not the token."""
    said = {
        "sessionId": "s",
        "model": "large",
        "maxCostUsd": 0.5,
        "cwd": "~/code",
        "callbackChannel": "123",
        "callbackTemplate": "plain",
        "resumeLatest": True,
        **CHAT,
    }
    ask(ada, "/gemini", callbackBotToken="a-token-of-a-bot", **said)
    assert wim.claim()["payload"] == {"prompt": "say hi", **said}


def test_options_of_tasks_hold_for_prompts_too(ada: Caller, wim: Machine) -> None:
    """Labels, tags, priority and on whose behalf it is are said as for any other task."""
    told = ask(ada, labels=["gpu=1"], tags=["chat"], priority=7, onBehalfOf="grandmother")
    assert wim.sync(free=1)["tasks"] == []
    wim.labels = ("gpu=1",)
    assert wim.claim()["taskId"] == told["taskId"]
    task = ada.get(f"/tasks/{told['taskId']}/detail").get_json()["task"]
    assert (task["tags"], task["priority"], task["onBehalfOf"]) == (["chat"], 7, "grandmother")


def test_with_wait_the_answer_is_the_result(service: RunningService, ada: Caller, wim: Machine) -> None:
    """One request brings the answer of the agent, its session, and what it cost."""
    parked = service.parked(
        lambda: ada.post("/claude?wait=60000", {"prompt": "x", "sessionId": "s"}), results=1
    )
    claimed = wim.start()
    wim.report(result(claimed, stdout="hi", metadata={"costUsd": 0.25, "turns": 2}))
    told = parked.result(5).get_json()
    assert (told["stdout"], told["sessionId"], told["exitCode"]) == ("hi", "s", 0)
    assert told["metadata"]["costUsd"] == 0.25


def test_a_wait_that_is_over_tells_the_session_too(ada: Caller) -> None:
    """The words for what is unfinished are the old ones, with the session beside them."""
    told = ada.post("/codex?wait=1", {"prompt": "x"}).get_json()
    assert told["status"] == "pending"
    assert "stdout" not in told
    assert told["sessionId"]


def test_the_same_request_again_is_the_same_session(ada: Caller, ben: Caller) -> None:
    """With an Idempotency-Key the second answer names the task and the session of the first."""
    headers = {"Idempotency-Key": "once"}
    first, second = (ada.post("/claude", {"prompt": "x"}, headers=headers).get_json() for _ in range(2))
    assert first == second
    other = ada.post("/claude", {"prompt": "y"}, headers=headers)
    assert (other.status_code, other.get_json()["code"]) == (409, "idempotency_conflict")
    assert ben.post("/claude", {"prompt": "x"}, headers=headers).get_json()["taskId"] != first["taskId"]


@pytest.mark.parametrize(
    ("path", "entrypoint"), {"/claude": "cc", "/codex": "codex", "/gemini": "gemini"}.items()
)
def test_metadata_tells_on_which_way_it_came(ada: Caller, wim: Machine, path: str, entrypoint: str) -> None:
    """Origin and the rest stand in the result's metadata: as they were said, else as they are by default."""
    usual = {
        "origin": "unknown",
        "dispatchMode": "unspecified",
        "responseMode": "direct-callback",
        "entrypoint": entrypoint,
    }
    for said, expected in (({}, usual), (CHAT, CHAT)):
        told = ask(ada, path, **said)
        wim.report(result(wim.start(), metadata={"turns": 3}))
        metadata = ada.get(f"/tasks/{told['taskId']}").get_json()["metadata"]
        assert metadata == {**expected, "sessionId": told["sessionId"], "turns": 3}
        events = ada.get(f"/events?taskId={told['taskId']}").get_json()["events"]
        assert len(events) == 4
        for event in events:
            assert {name: event[name] for name in expected} == expected
            assert (event["sessionId"], event["taskType"]) == (told["sessionId"], AGENTS[path])


def test_what_the_worker_says_of_its_session_wins(ada: Caller, wim: Machine) -> None:
    """An agent may know its session by another id; the outcome's own words stand above the dispatch's."""
    told = ask(ada, "/codex", origin="discord")
    wim.report(result(wim.start(), metadata={"sessionId": "thread-1", "origin": "elsewhere"}))
    metadata = ada.get(f"/tasks/{told['taskId']}").get_json()["metadata"]
    assert (metadata["sessionId"], metadata["origin"]) == ("thread-1", "elsewhere")


def test_other_tasks_have_no_words_of_dispatch(ada: Caller, wim: Machine) -> None:
    """A command has no metadata, no session in its answer, and empty fields in events, as before."""
    wim.kinds = ("command",)
    task_id = ada.post("/tasks", {"command": "true", "origin": "discord"}).get_json()["taskId"]
    wim.run()
    assert not {"metadata", "sessionId"} & set(ada.get(f"/tasks/{task_id}").get_json())
    assert {event["origin"] for event in ada.get("/events").get_json()["events"]} == {None}


def test_a_task_is_run_again_in_its_session(ada: Caller, wim: Machine) -> None:
    """The same prompt again is a new task of the same session, which waits for the first."""
    told = ask(ada, sessionId="s")
    again = ada.post(f"/tasks/{told['taskId']}/rerun").get_json()
    assert [claim["taskId"] for claim in wim.sync(free=5)["tasks"]] == [told["taskId"]]
    assert ada.get(f"/tasks/{again['taskId']}").get_json()["sessionId"] == "s"


def test_prompts_are_not_for_the_route_of_tasks(ada: Caller) -> None:
    """Elsewhere a token for a callback would be kept in clear, and no budget would be asked."""
    for kind in AGENTS.values():
        response = ada.post("/tasks", {"kind": kind, "payload": {"prompt": "x"}})
        assert response.status_code == 400
        assert f"go to /{kind.removesuffix('-cli')}" in response.get_json()["error"]
        batch = ada.post("/tasks/batch", {"tasks": [{"kind": kind, "payload": {}}]})
        assert batch.status_code == 400


def test_tasks_of_a_session_never_overlap_not_even_over_a_restart(tmp_path: Path) -> None:
    """Five rounds of a session run one by one, in the order of their sending, through a restart too."""
    data, order = tmp_path / "data", []
    with running_service(data) as service:
        ada, wim = service.as_(cast.ADA), Machine(service.as_(cast.WIM), kinds=("claude-cli",))
        rounds = [ask(ada, prompt=f"round {n}", sessionId="talk")["taskId"] for n in range(5)]
        other = ask(ada, sessionId="another")["taskId"]
        claims = wim.sync(free=5)["tasks"]
        assert [claim["taskId"] for claim in claims] == [rounds[0], other]
        wim.report(*(start(claim) for claim in claims))
        wim.report(result(claims[1]))
        clock = service.clock
    with running_service(data, clock=clock) as service:
        wim.caller = service.as_(cast.WIM)
        wes = Machine(service.as_(cast.WES), kinds=("claude-cli",))
        assert wes.sync(free=5)["tasks"] == []
        held = claims[0]
        while True:
            order.append(held["taskId"])
            (answer,) = wim.report(result(held))
            assert answer["ok"]
            claimed = wes.sync(free=5)["tasks"]
            if not claimed:
                break
            (held,) = claimed
            wim = wes
            wes.report(start(held))
        assert order == rounds
        (session,) = [
            one
            for one in service.as_(cast.ADA).get("/claude/sessions").get_json()["sessions"]
            if one["sessionId"] == "talk"
        ]
        assert session["taskCount"] == 5


def test_an_old_worker_runs_a_prompt(service: RunningService, ada: Caller) -> None:
    """It gets the flat object that it knows, with the token for its callback, and ends the task."""
    old = service.as_(cast.OLD)
    told = ask(ada, callbackChannel="123", callbackBotToken="a-token-of-a-bot", timeout=9000)
    task = old.get("/worker/poll?wait=0").get_json()
    assert {name: task[name] for name in task if name not in ("createdAt", "isNew")} == {
        "id": told["taskId"],
        "type": "claude-cli",
        "status": "running",
        "timeout": 9000,
        "prompt": "say hi",
        "sessionId": told["sessionId"],
        "callbackChannel": "123",
        "callbackBotToken": "a-token-of-a-bot",
    }
    said = {
        "taskId": told["taskId"],
        "stdout": "hi",
        "stderr": "",
        "exitCode": 0,
        "error": None,
        "duration": 5,
    }
    metadata = {"sessionId": told["sessionId"], "durationMs": 5}
    assert old.post("/worker/result", {**said, "metadata": metadata}).get_json() == {"success": True}
    shown = ada.get(f"/tasks/{told['taskId']}").get_json()
    assert (shown["stdout"], shown["metadata"]["entrypoint"]) == ("hi", "cc")
