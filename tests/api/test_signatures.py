"""What the service does with signatures: it keeps them, hands them on, and looks at their form alone."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import pytest

from app.services import redacting
from clawtrail.formats import dsse
from clawtrail.formats.notes import Signer
from tests.support import cast
from tests.support.asking import submit
from tests.support.machine import Machine, result
from tests.support.service import Caller, RunningService

ENVELOPE = dsse.seal("application/vnd.clawtrail.task+json", b"{}", Signer("ada", b"a" * 32))


def detail(ada: Caller, task_id: str) -> dict[str, Any]:
    """Return a task as its detail shows it."""
    told: dict[str, Any] = ada.get(f"/tasks/{task_id}/detail").get_json()["task"]
    return told


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/tasks", {"command": "true"}),
        ("/files/read", {"path": "a"}),
        ("/files/write", {"path": "a", "content": ""}),
        ("/files/edit", {"path": "a", "old_string": "x", "new_string": "y"}),
        ("/tasks/batch", {"tasks": [{"command": "true", "signature": ENVELOPE}]}),
    ],
)
def test_a_signature_comes_with_the_claim(ada: Caller, wim: Machine, path: str, body: dict[str, Any]) -> None:
    """The worker gets the text as it was sent, by every route that takes tasks."""
    told = ada.post(path, body if "tasks" in body else {**body, "signature": ENVELOPE}).get_json()
    claimed = wim.claim()
    assert claimed["signature"] == ENVELOPE
    assert detail(ada, told.get("taskId") or told["taskIds"][0])["signature"] == ENVELOPE


def test_without_one_a_claim_is_as_it_was(ada: Caller, wim: Machine) -> None:
    """A task that nobody signed has no such member, and an old worker's poll never has."""
    submit(ada)
    assert "signature" not in wim.claim()
    ada.post("/tasks", {"command": "true", "signature": ENVELOPE})
    polled = wim.caller.get("/worker/poll?wait=0").get_json()
    assert set(polled) == {"id", "status", "createdAt", "command", "timeout"}


@pytest.mark.parametrize(
    "signature", ["", "x", "{}", 1, {"payload": ""}, ENVELOPE[:-1], ENVELOPE.replace('"sig"', '"sog"')]
)
def test_what_is_no_envelope_is_400(ada: Caller, service: RunningService, signature: object) -> None:
    """Nothing is written, and the sentence names the member."""
    before = service.count_events()
    for path, body in (("/tasks", {"command": "true"}), ("/files/read", {"path": "a"})):
        response = ada.post(path, {**body, "signature": signature})
        assert response.status_code == 400
        assert "signature" in response.get_json()["error"]
    assert service.count_events() == before


def test_a_rerun_has_none(ada: Caller, wim: Machine) -> None:
    """What was signed was for the first task alone."""
    first = ada.post("/tasks", {"command": "true", "signature": ENVELOPE}).get_json()["taskId"]
    wim.run()
    again = ada.post(f"/tasks/{first}/rerun").get_json()["taskId"]
    assert (detail(ada, first)["signature"], detail(ada, again)["signature"]) == (ENVELOPE, None)


def test_the_same_key_with_another_signature_is_another_request(ada: Caller) -> None:
    """A repeated request is the same one, signature included."""
    other = dsse.seal("t", b"{}", Signer("ada", b"a" * 32))
    key = {"Idempotency-Key": "k"}
    sent = [
        ada.post("/tasks", {"command": "true", "signature": text}, headers=key)
        for text in (ENVELOPE, ENVELOPE, other)
    ]
    assert [response.status_code for response in sent] == [200, 200, 409]


def test_it_goes_with_the_payload_and_leaves_its_digest(
    ada: Caller, wim: Machine, service: RunningService
) -> None:
    """What was signed holds the content: redacted, only its salted digest stays on the record."""
    task_id = ada.post("/tasks", {"command": "true", "signature": ENVELOPE}).get_json()["taskId"]
    wim.run()
    [submitted] = [
        event
        for event in ada.get(f"/tasks/{task_id}/events").get_json()["events"]
        if event["type"] == "task.submitted"
    ]
    assert len(submitted["detail"]["signature"]) == 44
    assert sha256(ENVELOPE.encode()).hexdigest() not in json.dumps(submitted)
    service.write(
        lambda conn: redacting.redact(
            conn,
            task_id,
            [redacting.Content.PAYLOAD],
            reason="r",
            actor="system:operator",
            now=service.clock(),
        )
    )
    assert detail(ada, task_id)["signature"] is None


def test_a_refusal_may_have_a_sentence_of_its_own(ada: Caller, wim: Machine) -> None:
    """With deny a worker can say more than the rule's name."""
    task_id = submit(ada)
    claimed = wim.claim()
    said = {"type": "verdict", "lease": claimed["lease"], "verdict": "deny", "rule": "signature"}
    wim.report({**said, "error": "Refused: it has expired"}, result(claimed, 126, reason="policy"))
    told = ada.get(f"/tasks/{task_id}").get_json()
    assert (told["exitCode"], told["error"]) == (126, "Refused: it has expired")


def test_a_signed_answer_comes_with_the_yes(ada: Caller, wim: Machine, service: RunningService) -> None:
    """The worker gets it with the claim that the yes is for, the list shows it, the record has its digest."""
    ann = service.as_(cast.ANN)
    task_id = submit(ada)
    claimed = wim.claim()
    question = {"type": "verdict", "lease": claimed["lease"], "verdict": "ask", "rule": "r", "digest": "d"}
    wim.report({**question, "policyHash": "p", "describe": "true"})
    [asked] = ann.get("/approvals").get_json()["approvals"]
    body = {"decision": "approve", "signature": ENVELOPE}
    assert ann.post(f"/approvals/{asked['approvalId']}", body).get_json()["signature"] == ENVELOPE
    assert wim.claim()["approval"]["signature"] == ENVELOPE
    events = ada.get(f"/tasks/{task_id}/events").get_json()["events"]
    [given] = [event for event in events if event["type"] == "approval.given"]
    assert len(given["detail"]["signature"]) == 44
    bad = ann.post(f"/approvals/{asked['approvalId']}", {"decision": "approve", "signature": "x"})
    assert bad.status_code == 400
