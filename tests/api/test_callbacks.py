"""Tokens for callbacks: given to the worker that has the task, seen by nobody else, gone after use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.domain.timing import CALLBACK_TOKEN_MS
from app.storage import sealing
from app.storage.tables import callback_tokens
from tests.support import cast
from tests.support.machine import Machine, result
from tests.support.service import Caller, RunningService, running_service

SECRET = "MTIzNDU2.a-token-of-a-bot.0123456789"


@pytest.fixture
def wim(service: RunningService) -> Machine:
    """Wim's machine, which runs Claude."""
    return Machine(service.as_(cast.WIM), kinds=("claude-cli",))


def ask(caller: Caller) -> str:
    """Hand over a prompt whose end is to be told in a chat; return the task's id."""
    body = {"prompt": "x", "callbackChannel": "123", "callbackBotToken": SECRET}
    return str(caller.post("/claude", body).get_json()["taskId"])


def told(task_id: str, outcome: str = "sent", **more: object) -> dict[str, object]:
    """Return the item by which a worker tells what came of a callback."""
    return {"type": "callback", "taskId": task_id, "outcome": outcome, "sink": "discord", "tries": 1, **more}


def kept(service: RunningService) -> int:
    """Return how many tokens are kept."""
    return len(service.read(lambda conn: conn.execute(callback_tokens.select()).all()))


def test_the_token_comes_with_the_claim_and_goes_with_the_callback(
    service: RunningService, ada: Caller, wim: Machine
) -> None:
    """Whoever claims gets it in clear; once the callback was made it is deleted, and the record says so."""
    task_id = ask(ada)
    claimed = wim.start()
    assert claimed["callbackToken"] == SECRET
    wim.report(result(claimed))
    assert wim.report(told(task_id)) == [{"ok": True}]
    assert kept(service) == 0
    event = ada.get(f"/tasks/{task_id}/events").get_json()["events"][-1]
    assert (event["type"], event["actor"], event["attempt"]) == ("callback.sent", "worker:wim", 1)
    assert event["detail"] == {"sink": "discord", "tries": 1}


def test_it_comes_in_the_answer_to_a_report_too(ada: Caller, wim: Machine) -> None:
    """A claim is a claim, whichever way it comes."""
    wim.sync()
    task_id = ask(ada)
    (claimed,) = wim.tell(free=1).get_json()["tasks"]
    assert (claimed["taskId"], claimed["callbackToken"]) == (task_id, SECRET)


def test_it_comes_again_with_the_next_claim(service: RunningService, ada: Caller, wim: Machine) -> None:
    """A claim that went back costs no callback."""
    ask(ada)
    wim.claim()
    service.pass_time(15_000)
    wim.leases.clear()
    assert wim.claim()["callbackToken"] == SECRET


def test_other_claims_have_none(ada: Caller, wim: Machine) -> None:
    """Without a token there is no such field."""
    ada.post("/claude", {"prompt": "x", "callbackChannel": "123"})
    assert "callbackToken" not in wim.claim()


def test_a_failure_is_on_the_record_with_its_error(
    service: RunningService, ada: Caller, wim: Machine
) -> None:
    """It says what was in the way, cut to 500 characters; told twice it stands there once."""
    task_id = ask(ada)
    wim.report(result(wim.start()))
    for _ in range(2):
        assert wim.report(told(task_id, "failed", tries=3, error="no" * 400)) == [{"ok": True}]
    assert service.count_events("callback.failed") == 1
    detail = ada.get(f"/tasks/{task_id}/events").get_json()["events"][-1]["detail"]
    assert detail == {"sink": "discord", "tries": 3, "error": "no" * 250}
    assert kept(service) == 0


def test_only_its_worker_tells_of_a_callback(
    service: RunningService, ada: Caller, wim: Machine, wes: Machine
) -> None:
    """Another worker, a task that nobody had and one that is not there: refused, and nothing is deleted."""
    waiting = ask(ada)
    before = service.count_events()
    answers = wim.report(told(waiting), told("none"))
    wim.start()
    answers += wes.report(told(waiting))
    assert [answer["code"] for answer in answers] == ["lease_lost"] * 3
    assert kept(service) == 1
    assert service.count_events("callback.sent") == 0
    assert service.count_events() == before + 3  # registered, claimed, started


def test_an_unused_token_goes_an_hour_after_the_end(
    service: RunningService, ada: Caller, wim: Machine
) -> None:
    """Old workers tell nothing of callbacks, and a worker may be gone: the janitor deletes what is left."""
    ask(ada)
    wim.report(result(wim.start()))
    ask(ada)
    service.pass_time(CALLBACK_TOKEN_MS - 1)
    assert kept(service) == 2
    service.pass_time(1)
    assert kept(service) == 1


def test_nobody_is_shown_the_token_and_no_file_holds_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Not in answers, not in the log, not in any file of the data folder, before the use and after it."""
    data = tmp_path / "data"
    with running_service(data) as service:
        ada, wim = service.as_(cast.ADA), Machine(service.as_(cast.WIM), kinds=("claude-cli",))
        task_id = ask(ada)
        again = ada.post(f"/tasks/{task_id}/rerun").get_json()["taskId"]
        bad = ada.post("/claude", {"prompt": "x", "callbackBotToken": SECRET, "maxCostUsd": "much"})
        shown = [bad.text]
        paths = [f"/tasks/{task_id}{end}" for end in ("", "/detail", "/events", "/receipt")]
        paths += ["/tasks", "/events", "/claude/sessions", f"/tasks/{again}/detail"]
        shown += [ada.get(path).text for path in paths]
        assert_nowhere(data)
        claimed = wim.start()
        wim.report(result(claimed), told(task_id))
        wim.leases.clear()
        assert "callbackToken" not in wim.claim()  # the rerun
        assert_nowhere(data)
    assert_nowhere(data)
    shown += list(capfd.readouterr())
    assert not [text for text in shown if SECRET in text]
    assert sealing.key_path(data / "clawtrail.db").stat().st_mode & 0o777 == 0o600


def assert_nowhere(data: Path) -> None:
    """No file below *data* holds the token, plain or in JSON."""
    files = [path for path in data.rglob("*") if path.is_file()]
    assert any(path.name.endswith("-wal") or path.name == "clawtrail.db" for path in files)
    holding = [path.name for path in files if SECRET.encode() in path.read_bytes()]
    assert not holding
    assert json.dumps(SECRET).strip('"') == SECRET


def test_the_token_outlasts_a_restart(tmp_path: Path) -> None:
    """The key lies beside the database, so a callback that waits is made after the restart too."""
    data = tmp_path / "data"
    with running_service(data) as service:
        ask(service.as_(cast.ADA))
    with running_service(data) as service:
        wim = Machine(service.as_(cast.WIM), kinds=("claude-cli",))
        assert wim.claim()["callbackToken"] == SECRET


def test_without_its_key_a_token_is_lost_and_the_task_is_not(tmp_path: Path) -> None:
    """The server begins with a new key; the worker falls back to its own token."""
    data = tmp_path / "data"
    with running_service(data) as service:
        task_id = ask(service.as_(cast.ADA))
    sealing.key_path(data / "clawtrail.db").unlink()
    with running_service(data) as service:
        claimed = Machine(service.as_(cast.WIM), kinds=("claude-cli",)).claim()
        assert (claimed["taskId"], "callbackToken" in claimed) == (task_id, False)


def test_worker_hears_how_what_it_put_to_people_ended(
    service: RunningService, ada: Caller, wim: Machine, wes: Machine
) -> None:
    """A no, a withdrawal and a yes that was not used are told to it when it awaits them, to nobody else."""
    asked = [ask(ada) for _ in range(4)]
    for _ in asked:
        claimed = wim.claim()
        about = {"verdict": "ask", "rule": "careful", "digest": "d1", "policyHash": "p"}
        wim.report({"type": "verdict", "lease": claimed["lease"], **about})
    wim.leases.clear()
    assert "ended" not in wim.sync(awaiting=asked)
    ann = service.as_(cast.ANN)
    questions = {one["taskId"]: one["approvalId"] for one in ann.get("/approvals").get_json()["approvals"]}
    refused, withdrawn, unused, _ = asked
    ann.post(f"/approvals/{questions[refused]}", {"decision": "deny", "comment": "not today"})
    ada.post(f"/tasks/{withdrawn}/cancel", {"reason": "no need"})
    ann.post(f"/approvals/{questions[unused]}", {"decision": "approve"})
    ended = wim.sync(awaiting=asked)["ended"]
    assert ended == [
        {"taskId": refused, "state": "denied", "reason": "not today"},
        {"taskId": withdrawn, "state": "cancelled", "reason": "no need"},
    ]
    assert wes.sync(awaiting=[refused, "none"])["ended"] == [
        {"taskId": refused, "state": None, "reason": None},
        {"taskId": "none", "state": None, "reason": None},
    ]
    service.pass_time(30 * 60_000)
    (lapsed,) = [one for one in wim.sync(awaiting=[unused])["ended"] if one["taskId"] == unused]
    assert lapsed["state"] == "denied"
    assert wim.report(*(told(task_id) for task_id in (refused, withdrawn, unused))) == [{"ok": True}] * 3
    assert service.count_events("callback.sent") == 3
    assert wes.report(told(unused))[0]["code"] == "lease_lost"
