"""One task from lease to outcome, with the parts that a real worker has, in this process."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from clawtrail.remembering import Memory
from tests.support.fake_server import TOKEN, FakeServer
from tests.support.fake_task import FakeTask
from tests.support.policies import anything
from worker.alarms import Alarms
from worker.answers import Claim
from worker.callbacks.callback import Callback, no_callback
from worker.client import Server
from worker.executors import file_read, registry
from worker.executors.command import Commands
from worker.items import Ending
from worker.journal import Journal
from worker.leases import Held
from worker.orders import Executor, Order, Run
from worker.patience import Patience
from worker.replies import Replies
from worker.reporting import Outbox
from worker.running import Runner
from worker.slots import Slots
from worker.syncing import Syncing
from worker.verdicts import MayRun, Verdict
from worker.witnessing import Witness


class Desk:
    """A worker of one slot that a test puts together, and that takes a task when it is told to."""

    def __init__(self, fake: FakeServer, journal: Journal, folder: Path) -> None:
        self._fake = fake
        self._folder = folder
        self._journal = journal
        self._server = Server(fake.url, TOKEN, version="1", proxy=None, ca_file=None)
        self.executors: dict[str, Executor] = {}
        self.may_run: MayRun = anything
        self.callbacks: Callable[[Claim, str | None], Callback] = no_callback

    def run(self, kind: str, **payload: Any) -> FakeTask:  # noqa: ANN401
        """Submit a task, claim it, and take it to its end."""
        slots, patience = Slots(1), Patience()
        outbox = Outbox(self._server, slots, patience, worker_id="wim", session="s")
        runner = Runner(
            executors=self.executors,
            may_run=self.may_run,
            journal=self._journal,
            outbox=outbox,
            slots=slots,
            courier=SimpleQueue(),
            replies=Replies(),
            callbacks=self.callbacks,
        )
        task = self._fake.submit(kind, **payload)

        def take(held: Held) -> None:
            slots.end()
            runner.run(held)

        memory, alarms = Memory(self._folder, self._fake.url), Alarms(self._folder)
        witness = Witness(self._server, slots, outbox, memory, alarms, key=None, period=10, halts=True)
        about: dict[str, Any] = {"workerId": "wim", "session": "s", "name": "wim"}
        syncing = Syncing(
            self._server, slots, patience, witness, take, replies=Replies(), **about, kinds=[kind]
        )
        thread = threading.Thread(target=syncing.run)
        thread.start()
        thread.join(10)
        return task


@pytest.fixture
def desk(fake: FakeServer, tmp_path: Path) -> Iterator[Desk]:
    """A worker to put together."""
    journal = Journal(tmp_path / "journal.db")
    yield Desk(fake, journal, tmp_path)
    journal.close()


def greet(order: Order, run: Run) -> Ending:
    """Run the kind of the example in the registry."""
    run.write("stdout", f"Hello, {order.payload['name']}\n".encode())
    return Ending(0, metadata={"greeted": 1})


def test_custom_kind_runs(desk: Desk) -> None:
    """An executor is a function: it writes output and gives the ending."""
    desk.executors["greet"] = greet
    task = desk.run("greet", name="Ada")
    assert task.stdout == b"Hello, Ada\n"
    assert (task.result["exitCode"], task.result["metadata"]) == (0, {"greeted": 1})


def test_installed_package_adds_a_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry point of a package is an executor of its name, and cannot replace one of ours."""
    about = tmp_path / "greetings-1.0.dist-info"
    about.mkdir()
    (about / "entry_points.txt").write_text(
        f"[{registry.GROUP}]\ngreet = greetings:greet\ncommand = greetings:greet\n"
    )
    (tmp_path / "greetings.py").write_text("def greet(order, run): ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    commands = Commands(env={}, shell="/bin/sh -c")
    executors = registry.load(commands)
    assert sorted(executors) == ["command", "file-edit", "file-read", "file-write", "greet"]
    assert executors["command"] == commands.run


def test_refusal_is_a_result_and_runs_nothing(desk: Desk, fake: FakeServer) -> None:
    """What may not run is told with 126 and the rule's name; no start is asked for."""
    asked: list[Claim] = []

    def never_on_sundays(claim: Claim) -> Verdict:
        asked.append(claim)
        return Verdict("deny", "never on sundays", "d" * 64, "e" * 64)

    desk.may_run = never_on_sundays
    desk.executors["greet"] = greet
    result = desk.run("greet", name="Ada").result
    assert (result["exitCode"], result["reason"]) == (126, "policy")
    assert result["error"] == "Refused by policy: never on sundays"
    assert [item["type"] for item in fake.items()] == ["verdict", "result"]
    assert len(asked) == 1


def test_callback_is_the_one_that_was_signed(desk: Desk) -> None:
    """Of a signed task the channel counts that its client signed, whatever else the service says."""
    asked: list[object] = []

    def signed(claim: Claim) -> Verdict:
        own = claim.model_copy(update={"payload": {"name": "Ada", "callbackChannel": "1"}})
        return replace(anything(claim), signed=own)

    def begin(claim: Claim, token: str | None) -> Callback:
        asked.append(claim.payload["callbackChannel"])
        return no_callback(claim, token)

    desk.may_run, desk.callbacks = signed, begin
    desk.executors["greet"] = greet
    assert desk.run("greet", name="Eve", callbackChannel="2").stdout == b"Hello, Ada\n"
    assert asked == ["1"]


def test_fault_of_an_executor_fails_the_task_alone(desk: Desk) -> None:
    """Whatever an executor raises becomes an outcome."""

    def broken(_order: Order, _run: Run) -> Ending:
        raise ZeroDivisionError("by nothing")

    desk.executors["broken"] = broken
    result = desk.run("broken").result
    assert (result["exitCode"], result["reason"]) == (-1, "failed")
    assert result["error"] == "The worker failed on this task: ZeroDivisionError: by nothing"


def test_unknown_kind_is_said(desk: Desk) -> None:
    """A task that this worker has no executor for is told as such."""
    assert desk.run("juggle").result["error"] == "This worker runs no tasks of kind juggle"


def test_unwritable_journal_runs_nothing(desk: Desk, tmp_path: Path) -> None:
    """What cannot be noted is not run; the submitter is told why."""
    desk.executors["greet"] = greet
    desk._journal._conn.execute("PRAGMA query_only = ON")  # noqa: SLF001 - as a full disk would be
    task = desk.run("greet", name="Ada")
    desk._journal._conn.execute("PRAGMA query_only = OFF")  # noqa: SLF001
    assert task.result["error"].startswith("Not run: The journal cannot be written")
    assert task.stdout == b""


def test_bad_payload_is_named(desk: Desk) -> None:
    """What does not fit the executor is told by field."""
    desk.executors["file-read"] = file_read.run
    error = desk.run("file-read").result["error"]
    assert error == "Payload, path: Field required"


def test_policy_that_fails_refuses(desk: Desk) -> None:
    """A fault in the policy's own code is a refusal of that task, and the worker goes on."""

    def broken(_claim: Claim) -> Verdict:
        raise UnicodeEncodeError("utf-8", "x", 0, 1, "by nothing")

    desk.may_run = broken
    desk.executors["greet"] = greet
    result = desk.run("greet", name="Ada").result
    assert (result["exitCode"], result["reason"]) == (126, "policy")
    assert result["error"] == "Refused by policy: the policy failed on this task"
