"""A real worker and its policy: what is refused, asked, run after a yes, and taken up while it works."""

import signal
from pathlib import Path

from tests.support.fake_server import FakeServer
from tests.support.policies import write
from tests.support.worker_process import WorkerProcess, eventually
from tests.worker.conftest import StartWorker, fake, start_worker

__all__ = ["fake", "start_worker"]

ASK = 'default = "ask"\n\n[shell]\nverdict = "ask"\n'


def under(start: StartWorker, tmp_path: Path, text: str) -> tuple[WorkerProcess, Path]:
    """Start a worker with a policy of its own."""
    policy = write(tmp_path / "policy.toml", text)
    return start("--policy", str(policy)), policy


def test_refusal_is_told_with_verdict_and_126(
    fake: FakeServer, start_worker: StartWorker, tmp_path: Path
) -> None:
    """What a rule denies is not started; verdict and result go in one report."""
    rule = '[[rule]]\nname = "no touching"\nverdict = "deny"\nargv = ["touch", "**"]\n'
    under(start_worker, tmp_path, f'default = "allow"\n{rule}')
    task = fake.submit(argv=["touch", str(tmp_path / "mark")])
    result = fake.ended(task)
    assert (result["exitCode"], result["reason"]) == (126, "policy")
    assert result["error"] == "Refused by policy: no touching"
    [verdict] = task.verdicts
    assert (verdict["verdict"], verdict["rule"]) == ("deny", "no touching")
    assert len(verdict["digest"]) == len(verdict["policyHash"]) == 64
    assert fake.items("start") == []
    assert not (tmp_path / "mark").exists()


def test_question_frees_the_slot_and_yes_lets_it_run_once(
    fake: FakeServer, start_worker: StartWorker, tmp_path: Path
) -> None:
    """A task that waits for people holds nothing up; after the yes to its digest it runs."""
    mark = tmp_path / "mark"
    under(start_worker, tmp_path, ASK + '[[rule]]\nname = "t"\nverdict = "allow"\nargv = ["true"]\n')
    tasks = [fake.submit(command=f"echo ran >> {mark}") for _ in range(5)]
    fake.until(lambda: all(task.verdicts for task in tasks))
    assert fake.ended(fake.submit(argv=["true"]))["exitCode"] == 0
    assert not mark.exists()
    assert f"shell   echo ran >> {mark}" in tasks[0].verdicts[0]["describe"]
    fake.approve(tasks[0])
    assert fake.ended(tasks[0])["exitCode"] == 0
    assert mark.read_text() == "ran\n"


def test_yes_to_what_has_changed_is_asked_again(
    fake: FakeServer, start_worker: StartWorker, tmp_path: Path
) -> None:
    """When the program changes between question and run, the yes is for something else."""
    tool, mark = tmp_path / "tool", tmp_path / "mark"
    write(tool, "#!/bin/sh\ntrue\n").chmod(0o755)
    under(start_worker, tmp_path, ASK)
    task = fake.submit(argv=[str(tool)])
    fake.until(lambda: task.verdicts)
    write(tool, f"#!/bin/sh\ntouch {mark}\n").chmod(0o755)
    fake.approve(task)
    fake.until(lambda: len(task.verdicts) == 2)
    assert task.verdicts[0]["digest"] != task.verdicts[1]["digest"]
    assert (task.state, task.results, mark.exists()) == ("awaiting_approval", [], False)


def test_sighup_reads_the_policy_anew(fake: FakeServer, start_worker: StartWorker, tmp_path: Path) -> None:
    """SIGHUP tells of a bad file at once, the old one goes on, and the worker lives."""
    worker, policy = under(start_worker, tmp_path, 'default = "allow"\n')
    assert fake.ended(fake.submit(argv=["true"]))["exitCode"] == 0
    write(policy, "colour = 1\n")
    worker.signal(signal.SIGHUP)
    eventually(lambda: any("the old one goes on" in said for said in worker.messages()))
    assert fake.ended(fake.submit(argv=["true"]))["exitCode"] == 0
    assert worker.stop() == 0


def test_bad_policy_at_the_start_ends_with_2(start_worker: StartWorker, tmp_path: Path) -> None:
    """A worker does not start with a policy that it cannot use, nor without one that was named."""
    worker, _ = under(start_worker, tmp_path, "colour = 1\ntaste = 2\n")
    assert worker.wait() == 2
    assert "line 1: colour" in worker.said
    assert "line 2: taste" in worker.said
    assert start_worker("--policy", str(tmp_path / "none.toml")).wait() == 2


def test_no_policy_file_means_the_careful_one(
    fake: FakeServer, start_worker: StartWorker, tmp_path: Path
) -> None:
    """A worker without a policy file says so at its start, and asks about what it does not know."""
    worker = start_worker(CLAWTRAIL_WORKER_POLICY="")
    task = fake.submit(command="echo $HOME")
    fake.until(lambda: task.verdicts)
    assert task.verdicts[0]["verdict"] == "ask"
    assert any("no policy file" in said for said in worker.messages())
    assert fake.ended(fake.submit(command="echo plain words"))["exitCode"] == 0
