"""The gate with real processes: a worker's policy, a server, Ada who submits, Ann who decides."""

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from clawtrail import Client
from clawtrail.errors import Unauthorized
from clawtrail.questions import Approval
from tests.support.policies import write
from tests.support.processes import Server, start_server, start_worker
from tests.support.typing_commands import clawtrail
from tests.support.worker_process import eventually

POLICY = """default = "ask"

[shell]
verdict = "ask"

[[rule]]
name = "no lists"
verdict = "deny"
argv = ["ls", "**"]

[[rule]]
name = "words back"
verdict = "allow"
argv = ["echo", "**"]
"""


@dataclass
class Gate:
    """A server and a worker with a policy; Ada submits, Ann decides."""

    server: Server
    data: Path
    policy: Path
    ada: Client
    ann: Client

    def question(self) -> Approval:
        """Wait for the one open question and give it."""
        eventually(lambda: self.ann.questions.list().members)
        [question] = self.ann.questions.list().members
        return question

    def types(self, task_id: str) -> list[str]:
        """List what the record says of a task, in types of events."""
        return [event.type for event in self.ada.history(task_id)]


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """One server and one worker for all tests here."""
    folder = tmp_path_factory.mktemp("gate")
    policy, data = write(folder / "policy.toml", POLICY), folder / "data"
    with start_server(data) as server, start_worker(server, folder / "state", "--policy", str(policy)):
        made = ("--data", str(data))
        tokens = {
            name: clawtrail("token", "new", "--role", role, "--name", name, *made).stdout.strip()
            for name, role in (("ada", "client"), ("ann", "approver"))
        }
        with (
            Client(server.url, token=tokens["ada"]) as ada,
            Client(server.url, token=tokens["ann"]) as ann,
        ):
            eventually(lambda: _is_known(ann))  # a new token counts within a second
            yield Gate(server, data, policy, ada, ann)


def _is_known(client: Client) -> bool:
    try:
        client.questions.list()
    except Unauthorized:
        return False
    return True


def test_allowed_task_has_its_verdict_on_the_record(gate: Gate) -> None:
    """Rule, digest and policy of an allowed task stand on the record, in the event of its start."""
    result = gate.ada.run("echo plain words")
    assert result.stdout == "plain words\n"
    events = list(gate.ada.history(result.task_id))
    types = [event.type for event in events]
    assert types[1:3] == ["task.claimed", "task.started"]
    detail = events[types.index("task.started")].detail
    policy = b64encode(sha256(gate.policy.read_bytes()).digest()).decode()
    assert (detail["rule"], detail["policy"], len(str(detail["digest"]))) == ("words back", policy, 44)


def test_denied_task_ends_with_126(gate: Gate) -> None:
    """The submitter is told the rule; nothing was started."""
    result = gate.ada.run(argv=["ls"])
    assert (result.exit_code, result.error) == (126, "Refused by policy: no lists")
    assert gate.types(result.task_id) == ["task.submitted", "task.claimed", "verdict.given", "task.failed"]


def test_asked_task_runs_after_a_yes(gate: Gate, tmp_path: Path) -> None:
    """It waits without a slot, looks pending to its client, and runs once when Ann says yes."""
    mark = tmp_path / "mark"
    task_id = gate.ada.submit(f"echo ran >> {mark}").task_id
    question = gate.question()
    assert f"echo ran >> {mark}" in (question.describe or "")
    assert not mark.exists()
    gate.ann.questions.approve(question.approval_id, comment="as agreed")
    assert gate.ada.wait(task_id).exit_code == 0
    assert mark.read_text() == "ran\n"
    types = gate.types(task_id)
    assert [name for name in types if "approval" in name] == ["approval.requested", "approval.given"]
    assert types.count("task.started") == 1


def test_asked_task_is_denied_by_a_no(gate: Gate, tmp_path: Path) -> None:
    """A no ends it without a run."""
    mark = tmp_path / "mark"
    task_id = gate.ada.submit(argv=["touch", str(mark)]).task_id
    question = gate.question()
    gate.ann.questions.deny(question.approval_id, comment="not today")
    assert gate.ada.wait(task_id).state == "denied"
    assert not mark.exists()


def test_record_of_all_this_is_sound(gate: Gate) -> None:
    """The check of the record finds tables and events in agreement."""
    checked = clawtrail("audit", "verify", "--data", str(gate.data))
    assert checked.returncode == 0, checked.stdout + checked.stderr
