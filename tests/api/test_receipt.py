"""GET /tasks/ID/receipt: one text that a stranger can check."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from clawtrail.formats import receipts
from clawtrail.formats.receipts import Proven, ReceiptRejected
from tests.support import cast, machine
from tests.support.asking import submit
from tests.support.machine import Machine
from tests.support.service import Caller, RunningService


def receipt(service: RunningService, caller: Caller, task_id: str) -> Proven:
    """Return what the receipt of a task proves."""
    response = caller.get(f"/tasks/{task_id}/receipt")
    assert response.status_code == 200, response.text
    assert response.content_type == "text/plain; charset=utf-8"
    return receipts.verify(response.data, service.inside.signing.verifier)


def test_it_proves_the_whole_life_of_a_task(service: RunningService, ada: Caller, wim: Machine) -> None:
    """What was asked, by whom, where it ran, how it ended, and its output stand in one verified text."""
    task_id = submit(ada, "echo hello; echo na\u00efve >&2")
    claimed = wim.start()
    wim.report(
        machine.output(claimed, 0, b"hello\n"),
        machine.output(claimed, 0, "na\u00efve\n".encode(), "stderr"),
        machine.result(claimed, stdoutBytes=6, stderrBytes=7),
    )
    proven = receipt(service, ada, task_id)
    types = [event.type for event in proven.events]
    assert types == ["task.submitted", "task.claimed", "task.started", "task.completed"]
    assert {event.actor for event in proven.events} == {"client:ada", "worker:wim"}
    assert proven.payload is not None
    assert "echo hello" in proven.payload
    assert proven.outcome is not None
    assert (proven.outcome.stdout, proven.outcome.stderr) == (b"hello\n", "na\u00efve\n".encode())
    assert (proven.state, proven.outcome.exit_code) == ("completed", 0)


def test_it_proves_what_an_agent_did_and_cost(service: RunningService, ada: Caller, wim: Machine) -> None:
    """Used tools, the charge and the callback are lines of the task, after its end too; the token is none."""
    wim.kinds = ("claude-cli",)
    body = {"prompt": "x", "callbackChannel": "1", "callbackBotToken": "a-token-of-a-bot"}
    task_id = ada.post("/claude", body).get_json()["taskId"]
    claimed = wim.start()
    wim.report(
        {"type": "tool_used", "lease": claimed["lease"], "tool": "Bash", "input": "ls"},
        machine.result(claimed, metadata={"costUsd": 0.5}),
        {"type": "callback", "taskId": task_id, "outcome": "sent", "sink": "discord", "tries": 1},
    )
    proven = receipt(service, ada, task_id)
    assert [event.type for event in proven.events][3:] == [
        "agent.tool_used",
        "task.completed",
        "budget.charged",
        "callback.sent",
    ]
    assert (proven.state, proven.events[5].detail) == ("completed", {"cost_micros": 500_000})
    assert "a-token-of-a-bot" not in ada.get(f"/tasks/{task_id}/receipt").text


def test_an_unfinished_task_has_one_too(service: RunningService, ada: Caller) -> None:
    """A receipt proves what there is so far."""
    proven = receipt(service, ada, submit(ada))
    assert ([event.type for event in proven.events], proven.state) == (["task.submitted"], None)


def test_it_covers_what_has_just_happened(service: RunningService, ada: Caller, wim: Machine) -> None:
    """The checkpoint of a receipt is large enough for the task's last event, asked for at any moment."""
    task_id = submit(ada)
    for _ in range(2):
        proven = receipt(service, ada, task_id)
        assert proven.checkpoint.size > proven.events[-1].seq
        if service.state_of(task_id) == "pending":
            wim.run()
    assert receipt(service, ada, task_id).state == "completed"


def test_it_stays_good(service: RunningService, ada: Caller, wim: Machine) -> None:
    """A receipt that was kept is as good after the record has grown, and a later one says the same."""
    task_id = submit(ada)
    wim.run("hello\n")
    kept = ada.get(f"/tasks/{task_id}/receipt").data
    for _ in range(30):
        submit(ada)
    service.pass_time(1000)
    later = receipt(service, ada, task_id)
    assert receipts.verify(kept, service.inside.signing.verifier).events == later.events


def test_late_outcomes_are_in_it(service: RunningService, ada: Caller, wim: Machine) -> None:
    """What came under a lease that had ended is proven as evidence, and the accepted outcome besides."""
    task_id = submit(ada, effect="idempotent", maxAttempts=2)
    late = wim.start()
    service.pass_time(61_000)
    wim.leases.clear()
    again = wim.start()
    wim.report(machine.result(again))
    wim.report(machine.result(late, exitCode=7))
    proven = receipt(service, ada, task_id)
    told = {one.event.type: one.outcome for one in proven.told if one.outcome is not None}
    assert told["outcome.refused"].exit_code == 7
    assert told["task.completed"].exit_code == 0


def test_altered_content_is_told(service: RunningService, ada: Caller, wim: Machine) -> None:
    """A payload that was changed in the database does not pass: the receipt is made, and rejected."""
    task_id = submit(ada, "rm -r ./build")
    wim.run()

    def alter(conn: Connection) -> None:
        conn.exec_driver_sql("UPDATE tasks SET payload = replace(payload, './build', '/')")

    service.write(alter)
    with pytest.raises(ReceiptRejected, match="not the content that the event vouches for"):
        receipt(service, ada, task_id)


def test_content_that_is_gone_is_left_out(service: RunningService, ada: Caller, wim: Machine) -> None:
    """Without payload and salt there is a receipt all the same: the digest in the event stays."""
    task_id = submit(ada, "echo secret")
    wim.run()
    service.write(lambda conn: conn.exec_driver_sql("UPDATE tasks SET payload = NULL, payload_salt = NULL"))
    proven = receipt(service, ada, task_id)
    assert proven.payload is None
    assert proven.state == "completed"


def test_there_is_none_of_what_is_not_there(ada: Caller) -> None:
    """An unknown task has no receipt."""
    response = ada.get("/tasks/none/receipt")
    assert (response.status_code, response.get_json()["code"]) == (404, "task_not_found")


def test_auditors_get_the_same(service: RunningService, ada: Caller) -> None:
    """Whoever may read a task may have its receipt."""
    task_id = submit(ada)
    texts = {service.as_(who).get(f"/tasks/{task_id}/receipt").data for who in (cast.BEN, cast.ODO, cast.ANN)}
    assert len(texts) == 1
