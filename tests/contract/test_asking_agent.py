"""An agent that asks in its run, with real processes: its hook, a worker, a server, and Ann who decides."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from clawtrail import Client
from clawtrail.errors import Unauthorized
from clawtrail.questions import Approval
from tests.support.agents import install
from tests.support.policies import write
from tests.support.processes import start_server, start_worker
from tests.support.typing_commands import clawtrail
from tests.support.worker_process import eventually

HOOKED = Path(__file__).parents[1] / "support" / "stand_in_hooked.py"
POLICY = 'default = "allow"\n\n[agents.claude]\nask_tools = ["Bash"]\n'


@dataclass
class Room:
    """A service with an agent; Ada submits, Ann decides."""

    url: str
    token: str
    data: Path
    ada: Client
    ann: Client

    def ask_claude(self, prompt: str) -> str:
        """Hand a prompt over as Ada, and give the task's id."""
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = requests.post(f"{self.url}/claude", json={"prompt": prompt}, headers=headers, timeout=30)
        return str(answer.json()["taskId"])

    def question(self) -> Approval:
        """Wait for the one open question and give it."""
        eventually(lambda: self.ann.questions.list().members)
        [question] = self.ann.questions.list().members
        return question


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """One server and one worker for all tests here."""
    folder = tmp_path_factory.mktemp("asking")
    agents = install(folder / "agents", "claude", program=HOOKED)
    policy, data = write(folder / "policy.toml", POLICY), folder / "data"
    path = {"CLAWTRAIL_WORKER_PATH": f"{agents}:/usr/bin:/bin", "HOME": str(folder)}
    arguments = ("--policy", str(policy))
    with start_server(data) as server, start_worker(server, folder / "state", *arguments, environ=path):
        tokens = {
            name: clawtrail(
                "token", "new", "--role", role, "--name", name, "--data", str(data)
            ).stdout.strip()
            for name, role in (("ada", "client"), ("ann", "approver"))
        }
        with Client(server.url, token=tokens["ada"]) as ada, Client(server.url, token=tokens["ann"]) as ann:
            eventually(lambda: _is_known(ann))  # a new token counts within a second
            yield Room(server.url, tokens["ada"], data, ada, ann)


def _is_known(client: Client) -> bool:
    try:
        client.questions.list()
    except Unauthorized:
        return False
    return True


def test_people_decide_while_the_agent_runs(room: Room) -> None:
    """One tool is refused, the next allowed; the task runs all the while, and all of it is on the record."""
    prompt = "Bash rm notes\nBash ls\nRead a"
    task_id = room.ask_claude(prompt)
    first = room.question()
    assert "command: rm notes" in (first.describe or "")
    assert room.ada.get(task_id).state == "running"
    room.ann.questions.deny(first.approval_id, comment="keep them")
    eventually(
        lambda: [one for one in room.ann.questions.list().members if one.approval_id != first.approval_id]
    )
    room.ann.questions.approve(room.question().approval_id)
    result = room.ada.wait(task_id)
    assert result.exit_code == 0
    assert result.stdout.split("\n") == [
        "not done: people said no: keep them",
        "done: people said yes",
        "done unasked",
    ]
    events = list(room.ada.history(task_id))
    uses = [(e.detail["tool"], e.detail.get("verdict")) for e in events if e.type == "agent.tool_used"]
    assert sorted(uses, key=str) == [("Bash", "allow"), ("Bash", "deny"), ("Read", None)]
    types = [event.type for event in events]
    assert [name for name in types if name.startswith("question")] == [
        "question.asked",
        "question.answered",
    ] * 2


def test_end_of_a_run_takes_its_question_back(room: Room) -> None:
    """A run that is cancelled while it asks ends at once, and nobody is asked any more."""
    task_id = room.ask_claude("Bash ls")
    question = room.question()
    room.ada.cancel(task_id)
    assert room.ada.wait(task_id).state == "cancelled"
    eventually(lambda: not room.ann.questions.list().members)
    types = [event.type for event in room.ada.history(task_id)]
    assert types[-1] == "question.closed"
    assert question.state == "pending"


def test_record_of_all_this_is_sound(room: Room) -> None:
    """The check of the record finds tables and events in agreement."""
    checked = clawtrail("audit", "verify", "--data", str(room.data))
    assert checked.returncode == 0, checked.stdout + checked.stderr
