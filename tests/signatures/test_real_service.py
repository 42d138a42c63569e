"""A real server, a real worker that demands signatures, and people who sign, with all of it on the record."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from clawtrail import Client, signing
from clawtrail.formats import trusted_keys
from clawtrail.formats.trusted_keys import TrustedKey, TrustedKeys
from clawtrail.questions import Approval
from clawtrail.result import Result
from clawtrail.tasks import Task
from tests.signatures.conftest import ADA, ANN, MAL
from tests.support.patience import until
from tests.support.policies import write
from tests.support.processes import Server, start_server, start_worker

POLICY = """
default = "ask"

[[rule]]
name = "what Ada signs"
verdict = "allow"
signed_by = ["ada"]
argv = ["echo", "**"]

[[rule]]
name = "Ada's notes"
verdict = "allow"
signed_by = ["ada"]
kinds = ["file-read", "file-write", "file-edit"]
paths = ["{notes}/**"]
"""


@dataclass(frozen=True)
class Place:
    """The service, its notes folder, and the people at it."""

    server: Server
    notes: Path
    ada: Client
    plain: Client
    ann: Client


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """One service with one worker that runs only what Ada signed, and asks with Ann's signature."""
    folder = tmp_path_factory.mktemp("signed")
    notes = folder / "notes"
    notes.mkdir()
    now = time.time_ns() // 1_000_000
    keys = TrustedKeys(
        (TrustedKey("ada", ADA.verifier, "task", now), TrustedKey("ann", ANN.verifier, "approval", now))
    )
    environ = {
        "CLAWTRAIL_WORKER_POLICY": str(write(folder / "policy.toml", POLICY.format(notes=notes))),
        "CLAWTRAIL_WORKER_TRUSTED_KEYS": str(write(folder / "trusted.json", trusted_keys.spell(keys))),
    }
    demands = ("--require-signature", "--require-signed-approvals")
    with start_server(folder / "data") as server:
        token = _clawtrail(server, "token", "new", "--role", "approver", "--name", "ann").strip()
        with (
            start_worker(server, folder / "wim", *demands, environ=environ),
            Client(server.url, server.token, signing_key=ADA, signing_audience="wim") as ada,
            server.client() as plain,
            server.client(token) as ann,
        ):
            yield Place(server, notes, ada, plain, ann)


def _clawtrail(server: Server, *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "clawtrail", *arguments],
        env=dict(server.environ),
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_what_is_signed_runs(place: Place) -> None:
    """Commands, files and batches of Ada's run; the record has the digest of what she signed."""
    result = place.ada.run(argv=["echo", "hello"])
    assert (result.stdout, result.exit_code) == ("hello\n", 0)
    submitted = place.ada.history(result.task_id)[0]
    assert len(str(submitted.detail["signature"])) == 44
    file = str(place.notes / "deep" / "a.txt")
    assert place.ada.write_file(file, b"\xff\x00").ok
    assert place.ada.read_file(file, offset=1) == b"\x00"
    place.ada.write_file(file, "one\n")
    assert place.ada.edit_file(file, "one", "two").ok
    batch = place.ada.submit_many(Task.make(argv=["echo", word]) for word in ("a", "b"))
    assert [place.ada.wait(one.task_id, timeout=20).stdout for one in batch] == ["a\n", "b\n"]


def test_what_is_not_signed_is_refused_on_the_record(place: Place) -> None:
    """Without a signature, and with a stranger's, nothing runs; 126 and a sentence say why."""
    bare = place.plain.run(argv=["echo", "hello"])
    assert (bare.exit_code, bare.stdout, bare.raw["reason"]) == (126, "", "policy")
    assert bare.error == (
        "Refused: its signature is not good: this worker runs signed tasks only, and there is none"
    )
    verdict = next(event for event in place.plain.history(bare.task_id) if event.type == "verdict.given")
    assert (verdict.detail["verdict"], verdict.detail["rule"]) == ("deny", "signature")
    with Client(place.server.url, place.server.token, signing_key=MAL, signing_audience="wim") as mal:
        assert "not trusted here" in str(mal.run(argv=["echo", "hello"]).error)


def test_a_rerun_is_not_signed(place: Place) -> None:
    """What was signed is good once, and the server cannot sign: the copy is refused."""
    first = place.ada.run(argv=["echo", "hello"])
    again = place.ada.wait(place.ada.rerun(first.task_id).task_id, timeout=20)
    assert (again.exit_code, "there is none" in str(again.error)) == (126, True)


def test_the_retries_of_a_call_are_one_task(place: Place) -> None:
    """The same body under the same key is the same task; it is signed once and runs once."""
    body = dict(place.ada._submitting._signed(Task.make(argv=["echo", "once"])))  # noqa: SLF001 - what is sent
    sent = [_post(place, body) for _ in range(2)]
    assert sent[0] == sent[1]
    assert place.ada.wait(sent[0], timeout=20).stdout == "once\n"


def _post(place: Place, body: dict[str, object]) -> str:
    import requests

    headers = {"Authorization": f"Bearer {place.server.token}", "Idempotency-Key": "of-this-test"}
    answer = requests.post(f"{place.server.url}/tasks", json=body, headers=headers, timeout=20)
    return str(answer.json()["taskId"])


def _asked(place: Place, file: Path) -> tuple[str, Approval]:
    task_id = place.ada.submit(argv=["touch", str(file)]).task_id
    until(lambda: place.ada.get(task_id).state == "awaiting_approval", within=20)
    return task_id, next(one for one in place.ann.questions.list().members if one.task_id == task_id)


def _end(place: Place, task_id: str) -> Result:
    return place.ada.wait(task_id, timeout=20)


def test_a_yes_has_to_be_signed(place: Place) -> None:
    """An unsigned yes ends the task as refused, and so does one to another text; a signed one lets it run."""
    file = place.notes / "mark"
    task_id, question = _asked(place, file)
    assert "signed by ada" in str(question.describe)
    place.ann.questions.approve(question.approval_id)
    unsigned = _end(place, task_id)
    assert (unsigned.exit_code, "takes signed ones only" in str(unsigned.error)) == (126, True)
    task_id, question = _asked(place, file)
    shown = {**question.raw, "describe": "something harmless"}
    place.ann.questions.approve(question.approval_id, signature=signing.sign_yes(ANN, shown))
    assert "under another description" in str(_end(place, task_id).error)
    assert not file.exists()
    task_id, question = _asked(place, file)
    answered = place.ann.questions.approve(
        question.approval_id, signature=signing.sign_yes(ANN, question.raw)
    )
    assert answered.state == "approved"
    assert (_end(place, task_id).exit_code, file.exists()) == (0, True)


def test_the_record_is_good_with_all_of_it(place: Place) -> None:
    """Signed tasks, refusals and signed answers pass the audit, content included."""
    place.ada.run(argv=["echo", "audited"])
    said = _clawtrail(place.server, "audit", "verify")
    assert "event" in said
