"""A past with a little of everything, made by a real server and real workers, for questions to the record."""

from __future__ import annotations

import shlex
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from clawtrail import Client, Unauthorized
from clawtrail.tasks import Task
from tests.support.patience import until
from tests.support.processes import Server, Worker, start_server, start_worker
from tests.support.typing_commands import type_in

_ROLES = {"ada": "client", "discord-bot": "client", "rex": "client", "macbook": "worker", "wes": "worker"}
_BY_WES = "who=wes"
_BY_NOBODY = "who=nobody"


@dataclass(frozen=True)
class Past:
    """What has happened: the service, which still runs, where it worked, and the ids of its tasks."""

    server: Server
    notes: Path
    ids: dict[str, str]

    @property
    def database(self) -> Path:
        """The database file."""
        return Path(self.server.environ["CLAWTRAIL_DATA"]) / "clawtrail.db"


@contextmanager
def lived_through(folder: Path) -> Iterator[Past]:
    """Run a service in *folder* and let everything happen that can; yield while it still runs."""
    data, notes = folder / "data", folder / "notes"
    notes.mkdir(parents=True)
    with start_server(data) as server:
        tokens = {name: _new_token(server, name, role) for name, role in _ROLES.items()}
        clients = {name: server.client(tokens[name]) for name in ("ada", "discord-bot", "rex")}
        ids: dict[str, str] = {}
        with start_worker(server, folder / "wim", token=tokens["macbook"]) as wim:
            ids |= _ordinary_days(clients["ada"], clients["discord-bot"], notes)
            ids |= _lost_workers(clients["ada"], wim, notes)
            ids |= _ends_without_a_run(clients["ada"], clients["discord-bot"])
            ids |= _revoked(server, clients["rex"])
            ids |= _by_a_strict_worker(server.url, clients["ada"], tokens["wes"])
            _denied(server.url, tokens["wes"])
            server.kill()
            server.restart()
            ids["running"] = clients["ada"].submit("echo now; sleep 600").task_id
            until(lambda: clients["ada"].get(ids["running"]).state == "running", within=30)
            for client in clients.values():
                client.close()
            yield Past(server, notes, ids)
            with server.client() as shared:
                shared.cancel(ids["running"])
                shared.wait(ids["running"], timeout=30)


def _ordinary_days(ada: Client, bot: Client, notes: Path) -> dict[str, str]:
    """Success, failure and files, an end by cancelling, and a second run."""
    todo, bread = notes / "todo.txt", shlex.quote(str(notes / "bread"))
    ids = {
        "hello": ada.run("echo hello", on_behalf_of="grandmother").task_id,
        "write": ada.write_file(str(todo), "milk\n").task_id,
        "edit": ada.edit_file(str(todo), "milk", "butter").task_id,
        "read": ada.run_task(Task.file_read(str(todo))).task_id,
        "touch": bot.run(f"cat {shlex.quote(str(todo))}", on_behalf_of="tom").task_id,
        "words": bot.run(argv=["printf", "%s", "one two"]).task_id,
        "fails": bot.run("ls /nowhere/at/all").task_id,
        "slow": ada.run("sleep 30", timeout=1.0).task_id,
        "large": bot.run("head -c 200000 /dev/zero | tr '\\0' x").task_id,
        "flaky": bot.run(f"test -e {bread} || {{ touch {bread}; exit 9; }}").task_id,
    }
    ids["rerun"] = bot.rerun(ids["flaky"]).task_id
    bot.wait(ids["rerun"], timeout=30)
    ids["stopped"] = ada.submit("echo begun; sleep 60").task_id
    until(lambda: ada.get(ids["stopped"]).state == "running", within=30)
    bot.cancel(ids["stopped"], reason="no bread needed")
    ada.wait(ids["stopped"], timeout=30)
    return ids


def _lost_workers(ada: Client, wim: Worker, notes: Path) -> dict[str, str]:
    """A worker that dies twice in the middle of a run: one that may be repeated, and one that may not."""
    flag = shlex.quote(str(notes / "flag"))
    ids = {}
    again = f"test -e {flag} || {{ touch {flag}; sleep 20; }}"
    tasks = {
        "twice": Task.make(again, effect="idempotent", max_attempts=3),
        "unknown": Task.make(f"touch {flag}; sleep 21"),
    }
    for name, task in tasks.items():
        ids[name] = ada.submit_task(task).task_id
        until((notes / "flag").exists, within=30)
        wim.kill()
        wim.restart()
        ada.wait(ids[name], timeout=60)
        (notes / "flag").unlink(missing_ok=True)
    return ids


def _ends_without_a_run(ada: Client, bot: Client) -> dict[str, str]:
    """A task that expires, one that is withdrawn in time, and one that waits still: nobody can run them."""
    labels = [_BY_NOBODY]
    ids = {
        "expired": ada.submit("echo too late", labels=labels, ttl=0.001).task_id,
        "withdrawn": bot.submit("echo never mind", labels=labels).task_id,
        "waits": ada.submit("echo still here", labels=labels, priority=3).task_id,
    }
    bot.cancel(ids["withdrawn"], reason="changed my mind")
    ada.wait(ids["expired"], timeout=30)
    return ids


def _revoked(server: Server, rex: Client) -> dict[str, str]:
    """Rex runs something, and then his token is taken from him."""
    ids = {"rex": rex.run("echo rex was here").task_id}
    _clawtrail(server, "token", "revoke", "rex")

    def is_out() -> bool:
        try:
            rex.stats()
        except Unauthorized:
            return True
        return False

    until(is_out, within=30)
    return ids


def _by_a_strict_worker(url: str, ada: Client, token: str) -> dict[str, str]:
    """Wes's worker refuses one task by its policy, and tells of another under a lease that was over."""
    whose = {"workerId": "wes", "session": uuid.uuid4().hex}
    headers = {"Authorization": f"Bearer {token}"}

    def post(route: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = requests.post(f"{url}{route}", json=body, headers=headers, timeout=30)
        answer.raise_for_status()
        told: dict[str, Any] = answer.json()
        return told

    def lease() -> str:
        about = {**whose, "kinds": ["command"], "labels": [_BY_WES]}
        [claimed] = post("/worker/sync", {**about, "free": 1, "wait": 0})["tasks"]
        return str(claimed["lease"])

    def report(*items: dict[str, Any]) -> None:
        post("/worker/report", {**whose, "items": list(items)})

    ids = {"refused": ada.submit("rm -rf /", labels=[_BY_WES]).task_id}
    report({"type": "verdict", "lease": lease(), "verdict": "deny", "rule": "seat belt"})
    ids["late"] = ada.submit("echo late", labels=[_BY_WES]).task_id
    stale = lease()
    present = lease()  # the sync did not list the first one: it goes back, and comes again
    report({"type": "start", "lease": present}, {"type": "result", "lease": present, "exitCode": 0})
    report({"type": "result", "lease": stale, "exitCode": 4, "error": "from another life"})
    return ids


def _denied(url: str, workers_token: str) -> None:
    """A stranger, and somebody whose role does not allow it."""
    requests.get(f"{url}/tasks/stats", timeout=30)
    requests.post(
        f"{url}/tasks",
        json={"command": "true"},
        headers={"Authorization": f"Bearer {workers_token}"},
        timeout=30,
    )


def _new_token(server: Server, name: str, role: str) -> str:
    return _clawtrail(server, "token", "new", "--role", role, "--name", name).strip()


def _clawtrail(server: Server, *arguments: str) -> str:
    done = type_in(server.environ, *arguments)
    assert done.status == 0, done.err
    return done.text
