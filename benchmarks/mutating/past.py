"""A short past with a little of everything, lived by the real service, and older copies of it."""

from __future__ import annotations

import random
import shutil
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.api.service import Service
from app.domain.event_types import EventType
from app.domain.ids import TaskIds
from app.domain.kinds import Kind
from app.domain.roles import Role
from app.domain.timing import APPROVAL_MS
from app.factory import close_app, create_app
from app.services import (
    access,
    approvals,
    cancelling,
    claiming,
    finishing,
    holding,
    record,
    recovery,
    redacting,
    reporting,
    submitting,
)
from app.services.approvals import Answer, Decider
from app.services.attempts import Reporter
from app.services.claiming import Claim, Worker
from app.services.holding import Sighting
from app.services.outcomes import Outcome
from app.services.submitting import Once, Order
from benchmarks.mutating import agents, plans
from config.server import ServerSettings

NOON = 1_800_000_000_000
ROUNDS = 6
ALL_KINDS = tuple(kind.value for kind in Kind)
WIM = Worker("wim/desk", ALL_KINDS, frozenset({"gpu=1"}))
WES = Worker("wes/lap", ALL_KINDS)
ANN = Decider("ann", "admin:ann")
BY_WIM, BY_WES = Reporter("worker:wim", "wim"), Reporter("worker:wes", "wes")


@dataclass
class Past:
    """Where the database lies, older copies of the folder, and a note that somebody kept of its end."""

    database: Path
    older: list[Path] = field(default_factory=list)
    without_log: Path | None = None
    note: str = ""


def live(folder: Path, *, seed: int) -> Past:
    """Let the real service run in *folder* with a clock that is moved; return what it left."""
    clock = _Clock(NOON)
    past = Past(folder / "data" / "clawtrail.db")
    settings = ServerSettings(data=folder / "data", rate_limit="")
    for number in range(2):
        app = create_app(settings, clock=clock)
        service: Service = app.extensions["clawtrail"]
        life = _Life(service, clock, random.Random(seed + number))
        for round_ in range(ROUNDS // 2):
            life.round(first=number == 0 and round_ == 0)
            clock.at += 2000
            service.signing.keep_up()
            if round_ == 0 and number == 1:
                # As a disk has it when the write-ahead log is lost: committed, but not all of it here.
                past.without_log = folder / "without-log.db"
                shutil.copy(past.database, past.without_log)
        if number == 1:
            life.leave_unfinished()
        close_app(app)
        past.older.append(folder / f"older-{number}.db")
        shutil.copy(past.database, past.older[-1])
    past.older.pop()  # that one is the end itself
    with sqlite3.connect(past.database) as conn:
        past.note = conn.execute("SELECT note FROM checkpoints ORDER BY size DESC").fetchone()[0]
    conn.close()
    return past


@dataclass
class _Clock:
    at: int

    def __call__(self) -> int:
        return self.at


class _Life:
    """What people and workers do in a round, through the service's own acts."""

    def __init__(self, service: Service, clock: _Clock, chance: random.Random) -> None:
        self._service = service
        self._clock = clock
        self._chance = chance
        self._new_id = TaskIds()

    def round(self, *, first: bool) -> None:
        """Live through one of everything."""
        if first:
            self._hire()
        self._sync()
        self._good_and_bad()
        self._alike()
        self._files()
        self._withdrawn()
        self._lost()
        self._interrupted()
        self._late()
        self._refused()
        self._asked()
        self._agent()
        plans.plan(self._do, f"round-{self._chance.randrange(10**6)}", self._new_id, self._clock)
        self._run(self._claim())
        self._old_worker()
        self._forgotten()

    def leave_unfinished(self) -> None:
        """End with a task that waits, one that is claimed and one that runs and has written already."""
        self._submit("file-read", priority=2, not_before_at=self._clock.at + 10**6, tags='["later"]')
        running = self._started("echo still here")
        self._output(running, b"still here\n")
        self._submit("command")
        self._claim()

    def _do(self, act: Any, *args: Any, **named: Any) -> Any:  # noqa: ANN401 - any act of the service
        self._clock.at += self._chance.randrange(1, 900)
        return self._service.write(lambda conn: act(conn, *args, **named, now=self._clock.at))

    def _hire(self) -> None:
        roles = {"ada": Role.CLIENT, "wim": Role.WORKER, "rex": Role.ADMIN, "ann": Role.ADMIN}
        for name, role in roles.items():
            until = None if name == "wim" else NOON + 10**9
            budget = 5_000_000 if name == "ada" else None
            made = {"name": name, "role": role, "token": access.new_token(role), "expires_at": until}
            self._do(access.create, **made, max_cost_micros=budget, actor="system:operator")
        self._do(access.revoke, name="rex", actor="system:operator")

    def _sync(self) -> None:
        for worker in (WIM, WES):
            session = f"session-{self._chance.randrange(10**6)}"
            self._do(holding.see, Sighting(worker, worker.id, session, 3, "0.1.0", "ab" * 32))
        self._do(holding.steer, WES.id, draining=True, actor="admin:ann")
        if self._chance.random() < 0.5:
            self._do(holding.steer, WES.id, draining=False, actor="admin:ann")
        detail = {"method": "GET", "path": "/tasks", "status": 401}
        self._append(EventType.ACCESS_DENIED, "address:10.0.0.7", **detail)
        self._append(EventType.WORKER_NOTED, "worker:wim", name="fan", details={"rpm": 900})

    def _append(self, type_: EventType, actor: str, **detail: Any) -> None:  # noqa: ANN401 - JSON
        self._service.write(lambda conn: record.append(conn, type_, at=self._clock.at, actor=actor, **detail))

    def _submit(self, kind: str = "command", text: str = "true", **options: Any) -> str:  # noqa: ANN401 - of Order
        payload = f'{{"command":"{text}"}}' if kind == "command" else f'{{"path":"/tmp/{text}"}}'
        options.setdefault("signature", self._chance.choice([None, f"signed {self._chance.random()}"]))
        order = Order(id=self._new_id(), kind=kind, payload=payload, **{"timeout_ms": 30_000, **options})
        once = Once(order.id[-8:], payload.encode()) if self._chance.random() < 0.3 else None
        return str(self._do(submitting.submit, [order], actor="client:ada", once=once)[0])

    def _claim(self, worker: Worker = WIM) -> Claim:
        claims: list[Claim] = self._do(claiming.claim, worker=worker, free=1)
        return claims[0]

    def _started(self, text: str = "true", kind: str = "command", **options: Any) -> Claim:  # noqa: ANN401 - of Order
        self._submit(kind, text, **options)
        claim, digest = self._claim(), self._chance.randbytes(32).hex()
        if self._chance.random() < 0.2:  # as workers did before the start told it
            judged = {"given": "allow", "rule": "all", "digest": digest, "policy_hash": "ab" * 32}
            self._do(reporting.verdict, claim.lease, **judged, by=BY_WIM)
            self._do(reporting.start, claim.lease, by=BY_WIM)
        else:
            grounds = reporting.Grounds("all", digest, "ab" * 32)
            self._do(reporting.start, claim.lease, grounds, by=BY_WIM)
        return claim

    def _output(self, claim: Claim, data: bytes, *, stream: str = "stdout", offset: int = 0) -> None:
        self._do(reporting.output, claim.lease, stream=stream, offset=offset, data=data, by=BY_WIM)

    def _run(self, claim: Claim) -> None:
        self._do(reporting.start, claim.lease, by=BY_WIM)
        self._end(claim)

    def _end(self, claim: Claim, code: int = 0, reason: str = "exit", **more: Any) -> None:  # noqa: ANN401 - of Outcome
        told = {"error": None, "duration_ms": 5, "metadata": None, "stdout_bytes": 0, "stderr_bytes": 0}
        outcome = Outcome(code, reason, **{**told, **more}, truncated=False)
        self._do(finishing.result, claim.lease, outcome, by=BY_WIM)

    def _good_and_bad(self) -> None:
        claim = self._started("echo hello", on_behalf_of="grandmother", tags='["home"]')
        self._output(claim, b"hello\n")
        self._output(claim, b"again\n", offset=6)
        self._output(claim, b"a warning", stream="stderr")
        self._end(claim, metadata={"cost": 3}, stdout_bytes=12, stderr_bytes=9)
        self._end(self._started("false", labels='["gpu=1"]', priority=5), code=1, error="it broke")
        slow = self._started("sleep 99", session_key="command:s")
        self._end(slow, code=124, reason="timeout", error="Timeout")

    def _alike(self) -> None:
        """Run the same command some times, as people do: checks take such tasks together."""
        for _ in range(6):
            claim = self._started("uptime", timeout_ms=20_000)
            self._output(claim, b"up 3 days\n")
            self._end(claim, stdout_bytes=10)

    def _files(self) -> None:
        self._end(self._started("notes", "file-write", effect="idempotent", max_attempts=2))
        repeated = self._started("notes", "file-read")
        self._end(repeated)
        self._end(self._started("notes", "file-read", rerun_of=repeated.task_id))

    def _withdrawn(self) -> None:
        self._do(cancelling.cancel, self._submit(), reason="never mind", actor="client:ada")
        self._submit()
        self._do(cancelling.cancel, self._claim().task_id, reason=None, actor="client:ada")
        running = self._started("sleep 60")
        self._do(cancelling.cancel, running.task_id, reason="enough", actor="client:ada")
        self._end(running, code=-1, reason="cancelled")
        self._submit(expires_at=self._clock.at + 1000)
        self._clock.at += 2000
        self._do(recovery.expire_tasks)

    def _lost(self) -> None:
        lost = self._started("sleep 61")
        self._clock.at += 61_000
        self._do(recovery.expire_leases)
        self._output(lost, b"late words")
        self._end(lost, code=3, stdout_bytes=10, error="from another life")

    def _interrupted(self) -> None:
        again = self._started("notes", "file-read")
        self._output(again, b"half")
        self._end(again, code=-1, reason="interrupted", stdout_bytes=4)
        claim = self._claim()
        self._do(reporting.start, claim.lease, by=BY_WIM)
        self._clock.at += 61_000
        self._do(recovery.expire_leases)
        self._run(self._claim())
        self._end(self._started("dd"), code=-1, reason="interrupted")

    def _late(self) -> None:
        self._submit()
        stale = self._claim()
        self._clock.at += 16_000
        self._do(recovery.expire_leases)
        present = self._claim()
        self._do(reporting.start, present.lease, by=BY_WIM)
        self._end(stale, code=4)
        self._end(present)

    def _refused(self) -> None:
        self._submit("command", "rm -rf /")
        claim = self._claim()
        judged = {"given": "deny", "rule": "seat belt", "digest": "sha256:1", "policy_hash": "ab" * 32}
        self._do(reporting.verdict, claim.lease, **judged, by=BY_WIM)

    def _asked(self) -> None:
        judged = {"given": "ask", "rule": "ask first", "digest": "sha256:2", "policy_hash": "ab" * 32}
        for answer in (False, None, True):
            self._submit("command", "sudo reboot")
            self._do(reporting.verdict, self._claim().lease, **judged, describe="sudo reboot", by=BY_WIM)
            [asked] = self._service.read(
                lambda conn: approvals.list_approvals(conn, state="pending", limit=2)
            )
            if answer is None:
                self._clock.at += APPROVAL_MS
                self._do(recovery.expire_leases)
            else:
                self._do(approvals.decide, asked.id, Answer(answer, "so be it", f"signed {asked.id}"), by=ANN)
        self._run(self._claim())

    def _agent(self) -> None:
        agents.ask(self._do, self._new_id())
        claim = self._claim()
        self._do(reporting.start, claim.lease, by=BY_WIM)
        agents.use_tools(self._do, claim, by=BY_WIM, decider=ANN)
        self._end(claim, metadata={"costUsd": 0.25})
        agents.call_back(self._do, claim, by=BY_WIM)
        self._append(EventType.NOTIFICATION_SENT, "client:ada", channel="1", digest="d")

    def _old_worker(self) -> None:
        self._submit("command", "date")
        claim = self._do(claiming.claim_for_old_worker, worker_id="old/v1")
        outcome = Outcome(0, "exit", None, 2, None, 3, 0, truncated=False)
        old = Reporter("worker:old", "old")
        self._do(finishing.result_of_old_worker, claim.task_id, outcome, streams={"stdout": b"now"}, by=old)

    def _forgotten(self) -> None:
        claim = self._started("echo secret")
        self._output(claim, b"secret")
        self._end(claim, error="secret", stdout_bytes=6)
        contents = list(redacting.Content)[: self._chance.randrange(1, 3)]
        self._do(redacting.redact, claim.task_id, contents, reason="it was a secret", actor="admin:ann")
