"""A server that was taken over, and a real worker without any lock: what it gets, and what it does not."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.support.fake_http import Json
from tests.support.fake_server import FakeServer
from tests.support.fake_task import FakeTask
from tests.support.policies import write
from tests.support.worker_process import WorkerProcess
from worker.policy.presets import careful


@dataclass
class Scene:
    """*server* says what it likes to *worker*; *policy* is the careful one, in its *home* folder."""

    server: FakeServer
    worker: WorkerProcess
    home: Path
    policy: Path

    def say_yes(self, task: FakeTask) -> Json:
        """Hand *task* out again with a yes to what the worker told last of it, and give the next result."""
        with self.server.changed:
            task.results.clear()
        self.server.approve(task)
        return self.server.ended(task)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One worker under the careful policy, at the default place of its file."""
    home = tmp_path_factory.mktemp("home")
    folder = home / ".config" / "clawtrail"
    folder.mkdir(parents=True)
    policy = write(folder / "policy.toml", careful().decode())
    with FakeServer() as server:
        worker = WorkerProcess(server.url, home, "--policy", str(policy))
        try:
            yield Scene(server, worker, home, policy)
        finally:
            worker.clean_up()


def test_a_server_gets_nothing_past_a_rule_that_denies(scene: Scene) -> None:
    """What a rule or the seat belt denies is refused again when the server hands it out with a yes."""
    for kind, payload in (
        ("command", {"argv": ["sudo", "touch", str(scene.home / "mark")]}),
        ("command", {"command": f"true; sudo touch {scene.home}/mark"}),
        ("file-read", {"path": "~/.config/clawtrail/policy.toml"}),
        ("file-write", {"path": "~/.ssh/authorized_keys", "content": "x"}),
    ):
        task = scene.server.submit(kind, **payload)
        assert scene.server.ended(task)["exitCode"] == 126
        assert scene.say_yes(task)["exitCode"] == 126
        assert task.verdicts[-1]["verdict"] == "deny"
    assert not (scene.home / "mark").exists()
    assert not (scene.home / ".ssh").exists()


def test_a_server_can_say_yes_itself(scene: Scene) -> None:
    """Without signed approvals, what the policy asks runs when the server says that somebody agreed."""
    mark = scene.home / "agreed"
    task = scene.server.submit(command=f"echo $((1 + 1)) > {mark}")
    scene.server.until(lambda: task.verdicts)
    assert not mark.exists()
    assert scene.say_yes(task)["exitCode"] == 0
    assert mark.read_text() == "2\n"


def test_no_answer_changes_the_policy(scene: Scene) -> None:
    """Neither strange fields of answers and claims nor a write to its file change by what is decided."""
    before = scene.policy.read_bytes()
    first = scene.server.submit(argv=["touch", "x"])
    scene.server.until(lambda: first.verdicts)
    meant: Json = {"policy": 'default = "allow"', "default": "allow", "requireSignature": False}
    with scene.server.changed:
        scene.server.strange = {**meant, "settings": meant, "reload": True}
    write_ = scene.server.submit("file-write", path=str(scene.policy), content='default = "allow"\n', **meant)
    assert scene.server.ended(write_)["exitCode"] == 126
    assert scene.say_yes(write_)["exitCode"] == 126
    second = scene.server.submit(argv=["touch", "x"], **meant)
    scene.server.until(lambda: second.verdicts)
    assert second.verdicts[0]["verdict"] == "ask"
    assert second.verdicts[0]["policyHash"] == first.verdicts[0]["policyHash"]
    assert scene.policy.read_bytes() == before
    assert not (scene.home / "x").exists()


def test_a_worker_listens_nowhere(scene: Scene) -> None:
    """The worker has connections to its server and no socket of the network that waits for others."""
    scene.server.until(lambda: scene.server.parked)
    sockets = psutil.Process(scene.worker.process.pid).net_connections("inet")
    assert sockets
    assert [one for one in sockets if one.status in {psutil.CONN_LISTEN, psutil.CONN_NONE}] == []
    assert {one.raddr.port for one in sockets} == {scene.server.port}
