"""What the service says of a task whose content was taken out."""

from __future__ import annotations

import json

import pytest

from app.services import redacting
from tests.support.cast import ADA, ODO, WIM
from tests.support.machine import Machine, output, result
from tests.support.service import RunningService

KEY = {"Idempotency-Key": "once"}
BODY = {"command": "echo swordfish"}


@pytest.fixture
def redacted(service: RunningService) -> str:
    """A task of Ada's that Wim ran and that failed, and whose content is gone."""
    ada = service.as_(ADA)
    task_id = str(ada.post("/tasks", BODY, headers=KEY).get_json()["taskId"])
    wim = Machine(service.as_(WIM))
    claimed = wim.start()
    wim.report(
        output(claimed, 0, b"swordfish\n"),
        result(claimed, 1, error="swordfish is wrong", metadata={"said": "swordfish"}, stdoutBytes=10),
    )
    service.write(
        lambda conn: redacting.redact(
            conn,
            task_id,
            tuple(redacting.Content),
            reason="a password",
            actor="system:operator",
            now=service.clock(),
        )
    )
    return task_id


def test_a_result_keeps_its_shape(service: RunningService, redacted: str) -> None:
    """Old programs find a finished result: empty streams, the exit code, no error."""
    told = service.as_(ADA).get(f"/tasks/{redacted}").get_json()
    assert (told["stdout"], told["stderr"], told["exitCode"], told["error"]) == ("", "", 1, None)
    assert (told["state"], "metadata" in told) == ("failed", False)


def test_lists_and_details_say_redacted(service: RunningService, redacted: str) -> None:
    """The summary is (redacted), the payload null, and the sizes of the outcome are still there."""
    [one] = service.as_(ADA).get("/tasks").get_json()["tasks"]
    assert one["summary"] == "(redacted)"
    told = service.as_(ADA).get(f"/tasks/{redacted}/detail").get_json()
    assert told["task"]["payload"] is None
    [outcome] = told["outcomes"]
    assert (outcome["error"], outcome["metadata"], outcome["stdoutBytes"]) == (None, None, 10)


def test_its_output_is_over(service: RunningService, redacted: str) -> None:
    """Whoever follows the output gets nothing, and hears that nothing more comes."""
    told = service.as_(ADA).get(f"/tasks/{redacted}/output?stream=stdout").get_json()
    assert (told["data"], told["done"]) == ("", True)


def test_no_answer_has_its_content(service: RunningService, redacted: str) -> None:
    """Neither the result nor the list, the details, the events, the receipt or a search has it."""
    odo = service.as_(ODO)
    for path in ("", "/detail", "/events", "/output?stream=stdout", "/receipt"):
        answer = odo.get(f"/tasks/{redacted}{path}")
        assert answer.status_code == 200
        assert "swordfish" not in answer.text
    assert odo.get("/tasks?q=swordfish").get_json()["tasks"] == []
    assert "content.redacted" in odo.get(f"/tasks/{redacted}/receipt").text


def test_it_cannot_be_run_again(service: RunningService, redacted: str) -> None:
    """A rerun is refused with a sentence, and so is the same request with its key; nothing is submitted."""
    ada = service.as_(ADA)
    for answer, code in (
        (ada.post(f"/tasks/{redacted}/rerun"), "illegal_transition"),
        (ada.post("/tasks", BODY, headers=KEY), "idempotency_conflict"),
    ):
        assert (answer.status_code, answer.get_json()["code"]) == (409, code)
        assert "redacted" in json.dumps(answer.get_json())
    assert service.count_events("task.submitted") == 1
