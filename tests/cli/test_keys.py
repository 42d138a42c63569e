"""`clawtrail keys`: making keys, and the worker's file of those that it trusts."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from clawtrail.formats import dsse, statements, trusted_keys
from clawtrail.formats.notes import Verifier
from tests.cli.conftest import Type
from tests.cli.test_approvals import FIRST, question, script
from tests.support.scripted_server import ScriptedServer, reply


@pytest.fixture
def home(environ: dict[str, str], tmp_path: Path) -> Path:
    """A home folder of the test's own."""
    environ["HOME"] = str(tmp_path)
    environ.pop("XDG_CONFIG_HOME", None)
    return tmp_path


def test_a_key_is_made_once_and_for_its_owner_alone(home: Path, typed: Type) -> None:
    """The public line is printed, the private one lies in a file of mode 0600, and nothing writes over it."""
    made = typed("keys", "new", "ada-laptop")
    line = made.text.strip()
    assert Verifier.parse(line).name == "ada-laptop"
    file = home / ".config/clawtrail/keys/ada-laptop.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    before = file.read_text()
    again = typed("keys", "new", "ada-laptop")
    assert (again.status, "already" in again.err, file.read_text()) == (2, True, before)
    assert typed("keys", "list").text == f"ada-laptop\t{line}\n"
    told = json.loads(typed("keys", "list", "--json").text)
    assert [one["key"] for one in told["keys"]] == [line]
    assert "PRIVATE" not in json.dumps(told)
    assert typed("keys", "new", "../evil").status == 2


def test_a_key_that_others_can_read_is_not_used(home: Path, typed: Type) -> None:
    """It says how to mend that."""
    typed("keys", "new", "ada")
    file = home / ".config/clawtrail/keys/ada.key"
    file.chmod(0o644)
    ran = typed("run", "--key", "ada", "--audience", "wim", "true")
    assert (ran.status, f"chmod 600 {file}" in ran.err) == (2, True)


def test_trust_and_revoke_are_told_and_kept(home: Path, typed: Type) -> None:
    """A revoked key stays in the file, and can neither be trusted again nor its name be used anew."""
    line = typed("keys", "new", "ada").text.strip()
    trusted = typed("keys", "trust", line, "--worker", "wim", "--kind", "command")
    file = home / ".config/clawtrail/trusted-keys.json"
    assert (trusted.status, "Trusted for tasks: ada" in trusted.text) == (0, True)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    [key] = trusted_keys.parse(file.read_bytes()).keys
    assert (key.name, key.workers, key.kinds, key.purpose) == ("ada", ("wim",), ("command",), "task")
    twice = typed("keys", "trust", line)
    assert (twice.status, "trusted already, as ada, for task" in twice.err) == (2, True)
    assert typed("keys", "revoke", "ada", "--reason", "stolen").status == 0
    [told] = json.loads(typed("keys", "list", "--trusted", "--json").text)["keys"]
    assert (told["name"], told["reason"], told["revokedAt"] > 0) == ("ada", "stolen", True)
    again = typed("keys", "trust", line, "--name", "ada-2")
    assert (again.status, "was revoked, as ada" in again.err) == (2, True)
    assert (typed("keys", "revoke", "ada").status, typed("keys", "revoke", "ben").status) == (2, 2)
    assert typed("keys", "list", "--trusted").text.split("\t")[:3] == ["ada", "task", "revoked"]


def test_only_public_lines_are_trusted(home: Path, typed: Type) -> None:
    """A private key, and what is no key, are refused with a sentence; the file stays as it was."""
    typed("keys", "new", "ada")
    private = typed("keys", "trust", str(home / ".config/clawtrail/keys/ada.key"))
    assert (private.status, "private key" in private.err) == (2, True)
    assert typed("keys", "trust", "nonsense").status == 2
    assert typed("keys", "trust", "ada+00000000+AAAA").status == 2
    assert not (home / ".config/clawtrail/trusted-keys.json").exists()


def test_a_broken_file_of_keys_is_left_alone(home: Path, typed: Type) -> None:
    """What cannot be read is not written over."""
    line = typed("keys", "new", "ada").text.strip()
    file = home / "keys.json"
    file.write_text("{")
    for words in (("trust", line), ("revoke", "ada"), ("list", "--trusted")):
        ran = typed("keys", *words, "--file", str(file))
        assert (ran.status, "is no file of trusted keys" in ran.err) == (2, True)
    assert file.read_text() == "{"


def test_run_signs_with_the_only_key(home: Path, typed: Type, server: ScriptedServer) -> None:
    """--sign needs no name where there is one key; the workers have to be named; retries send the same."""
    server.on("POST", "/tasks", reply(503, {"error": "x"}), reply(200, {"taskId": "t", "message": "m"}))
    assert "keys new" in typed("run", "--sign", "--detach", "true").err
    line = typed("keys", "new", "ada").text.strip()
    unnamed = typed("run", "--sign", "--detach", "true")
    assert (unnamed.status, "--audience" in unnamed.err) == (2, True)
    assert typed("run", "--sign", "--audience", "wim", "--detach", "--", "git", "push").status == 0
    first, second = server.asked_for("/tasks")
    assert first.json == second.json
    signed = dsse.parse(str(first.json["signature"]))
    statement = statements.read_task(dsse.opened(signed, statements.TASK_TYPE, Verifier.parse(line)))
    assert (statement.kind, statement.payload) == ("command", {"argv": ["git", "push"]})
    assert (statement.validity.audience, statement.timeout_ms) == (("wim",), 30_000)
    assert first.json["timeout"] == 30_000
    typed("keys", "new", "ben")
    assert "several keys (ada, ben)" in typed("run", "--sign", "--audience", "wim", "--detach", "true").err


def test_a_set_key_signs_everything(
    home: Path, typed: Type, server: ScriptedServer, environ: dict[str, str]
) -> None:
    """With CLAWTRAIL_SIGNING_KEY and its audience set, nothing has to be said any more."""
    server.on("POST", "/tasks", reply(200, {"taskId": "t", "message": "m"}))
    typed("keys", "new", "ada")
    environ |= {"CLAWTRAIL_SIGNING_KEY": "ada", "CLAWTRAIL_SIGNING_AUDIENCE": "wim, wes"}
    assert typed("run", "--detach", "true").status == 0
    [asked] = server.asked_for("/tasks")
    said = json.loads(dsse.parse(str(asked.json["signature"])).payload)
    assert said["audience"] == ["wim", "wes"]


def test_approve_signs_what_is_shown(home: Path, typed: Type, server: ScriptedServer) -> None:
    """The text is shown, and is what is signed; without a terminal it must be said that it was read."""
    line = typed("keys", "new", "ann").text.strip()
    script(server, question(digest="d" * 64))
    server.on("POST", f"/approvals/{FIRST}", reply(200, question(state="approved")))
    unread = typed("approve", "3f2c", "--sign")
    assert (unread.status, "--yes" in unread.err, server.asked[-1].method) == (2, True, "GET")
    ran = typed("approve", "3f2c", "--key", "ann", "--yes")
    assert (ran.status, "  | git push" in ran.err) == (0, True)
    signed = dsse.parse(str(server.asked[-1].json["signature"]))
    yes = statements.read_approval(dsse.opened(signed, statements.APPROVAL_TYPE, Verifier.parse(line)))
    assert (yes.approval, yes.task, yes.digest, yes.decision) == (FIRST, "t-1", "d" * 64, "approve")
    assert yes.validity.audience == ("wim",)
