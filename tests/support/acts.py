"""The acts of a task's life in short, on a database, by the fixed cast: Ada, Wim and Wes."""

from __future__ import annotations

from typing import Any

from app.domain.ids import TaskIds
from app.domain.kinds import Kind
from app.services import approvals, cancelling, claiming, finishing, recovery, reporting
from app.services.approvals import Answer, Decider
from app.services.attempts import Reporter
from app.services.claiming import Claim, Worker
from app.services.finishing import Reception
from app.services.outcomes import Outcome
from app.services.reporting import NOT_TOLD, Grounds
from app.services.submitting import Once, Order
from app.services.submitting import submit as put_in
from app.storage.tables import AnyRow
from tests.support.database import Database

ADA = "client:ada"
BEN = "client:ben"
ALL_KINDS = tuple(kind.value for kind in Kind)
WIM = Worker("wim", ALL_KINDS)
WES = Worker("wes", ALL_KINDS)
DONE = Outcome(0, "exit", None, 5, None, 0, 0, truncated=False)
BROKEN = Outcome(1, "exit", "it broke", 5, None, 0, 0, truncated=False)
DIGEST = "d1"
ANN = Decider("ann", "approver:ann")
_new_id = TaskIds()


def reporter(worker: Worker) -> Reporter:
    """Return *worker* as it reports: with a token of its own name."""
    return Reporter(worker.actor, worker.id.split("/", 1)[0])


def order(kind: str = "command", *, payload: str = '{"command":"true"}', **options: Any) -> Order:  # noqa: ANN401 - fields of Order
    """Return an order of *kind* with a new id."""
    return Order(id=_new_id(), kind=kind, payload=payload, **{"timeout_ms": 30_000, **options})


def submit(
    db: Database,
    kind: str = "command",
    *,
    actor: str = ADA,
    once: Once | None = None,
    **options: Any,  # noqa: ANN401 - fields of Order
) -> str:
    """Put one task in and return its id."""
    ordered = order(kind, **options)
    return db.write(lambda conn: put_in(conn, [ordered], actor=actor, now=db.now, once=once))[0]


def claim(db: Database, worker: Worker = WIM, *, free: int = 1) -> list[Claim]:
    """Let *worker* take up to *free* tasks."""
    return db.write(lambda conn: claiming.claim(conn, worker=worker, free=free, now=db.now))


def poll(db: Database, worker_id: str = "old/v1") -> Claim | None:
    """Let an old worker take a task."""
    return db.write(lambda conn: claiming.claim_for_old_worker(conn, worker_id=worker_id, now=db.now))


def start(db: Database, claimed: Claim, worker: Worker = WIM, grounds: Grounds = NOT_TOLD) -> int:
    """Report the start of an attempt."""
    return db.write(
        lambda conn: reporting.start(conn, claimed.lease, grounds, by=reporter(worker), now=db.now)
    )


def started(db: Database, worker: Worker = WIM) -> Claim:
    """Take one task and report its start."""
    [claimed] = claim(db, worker)
    start(db, claimed, worker)
    return claimed


def output(
    db: Database,
    claimed: Claim,
    data: bytes,
    *,
    offset: int = 0,
    stream: str = "stdout",
    worker: Worker = WIM,
) -> str | None:
    """Report a piece of output."""
    return db.write(
        lambda conn: reporting.output(
            conn, claimed.lease, stream=stream, offset=offset, data=data, by=reporter(worker), now=db.now
        ),
    )


def result(db: Database, claimed: Claim, outcome: Outcome = DONE, worker: Worker = WIM) -> Reception:
    """Report how an attempt ended."""
    return db.write(
        lambda conn: finishing.result(conn, claimed.lease, outcome, by=reporter(worker), now=db.now),
    )


def cancel(db: Database, task_id: str, *, actor: str = ADA) -> str:
    """Withdraw a task."""
    return db.write(lambda conn: cancelling.cancel(conn, task_id, reason=None, actor=actor, now=db.now))


def judge(
    db: Database,
    claimed: Claim,
    given: str,
    *,
    rule: str = "be careful",
    digest: str = DIGEST,
    worker: Worker = WIM,
) -> None:
    """Report what a worker's policy says of a claim."""
    db.write(
        lambda conn: reporting.verdict(
            conn,
            claimed.lease,
            given=given,
            rule=rule,
            digest=digest,
            policy_hash="p",
            describe="would run: true" if given == "ask" else "",
            by=reporter(worker),
            now=db.now,
        )
    )


def asked(db: Database, worker: Worker = WIM) -> tuple[Claim, str]:
    """Take one task and ask about it; return the claim and the question's id."""
    [claimed] = claim(db, worker)
    judge(db, claimed, "ask", worker=worker)
    return claimed, str(db.task(claimed.task_id).approval_id)


def decide(
    db: Database, approval_id: str, *, yes: bool = True, comment: str | None = None, by: Decider = ANN
) -> AnyRow:
    """Answer a question."""
    return db.write(lambda conn: approvals.decide(conn, approval_id, Answer(yes, comment), by=by, now=db.now))


def approval(db: Database, approval_id: str) -> AnyRow:
    """Return a question as it is."""
    return db.read(lambda conn: approvals.get_approval(conn, approval_id))


def tidy(db: Database) -> None:
    """Let time do what it does, as the janitor does it."""
    for expire in (recovery.expire_leases, recovery.expire_tasks, recovery.expire_approvals):
        db.write(lambda conn, expire=expire: expire(conn, now=db.now))  # type: ignore[misc]
