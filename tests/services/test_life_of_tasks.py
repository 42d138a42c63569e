"""The whole life of tasks, driven at random: the service and a small model of it agree after every step."""

from __future__ import annotations

from typing import TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)
from sqlalchemy import Connection

from app.services import cancelling, claiming, finishing, holding, recovery, reporting, rerunning, submitting
from app.services.submitting import Once
from tests.support import acts, life
from tests.support.life import (
    OLD,
    Asked,
    Grip,
    order_of,
    orders,
    outcome_of,
    reporter_of,
    worker_of,
    workers,
)
from tests.support.life_pair import Pair
from tests.support.model_tasks import ModelWorker

T = TypeVar("T")
COMPARED = ("kind", "state", "effect", "attempt", "max_attempts", "priority", "started_at", "finished_at")


class Life(RuleBasedStateMachine):
    """Clients, workers, time and restarts, each step on the service and on the model."""

    submitted: Bundle[str] = Bundle("submitted")
    grips: Bundle[Grip] = Bundle("grips")

    def __init__(self) -> None:
        super().__init__()
        self.pair = Pair()
        self.db, self.model = self.pair.db, self.pair.model

    def teardown(self) -> None:
        """Leave nothing behind."""
        self.pair.close()

    # What clients do.

    @initialize(target=submitted, several=st.lists(orders, min_size=1, max_size=4))
    def begin(self, several: list[Asked]) -> MultipleResults[str]:
        """There are some tasks to begin with."""
        return multiple(*self._submit(several, acts.ADA, None))

    @rule(
        target=submitted,
        several=st.lists(orders, min_size=1, max_size=3),
        actor=st.sampled_from((acts.ADA, acts.BEN)),
        key=st.sampled_from((None, None, "k1", "k2")),
        request=st.sampled_from((b"one", b"other")),
    )
    def submit(
        self, several: list[Asked], actor: str, key: str | None, request: bytes
    ) -> MultipleResults[str]:
        """One or several tasks in one request, perhaps sent before."""
        once = None if key is None else Once(key, request + b"%d" % len(several))
        return multiple(*self._submit(several, actor, once))

    @rule(target=submitted, task_id=submitted)
    def rerun(self, task_id: str) -> str:
        """The same again, without its dates."""
        asked = self.db.read(lambda conn: rerunning.order_again(conn, task_id))
        order, new = life.again(self.model.tasks[task_id], asked, nr=len(self.model.tasks), now=self.now)
        self.db.write(lambda conn: submitting.submit(conn, [order], actor=acts.ADA, now=self.now))
        self.model.submit([new], acts.ADA, None, b"")
        return new.id

    @rule(task_id=submitted)
    def cancel(self, task_id: str) -> None:
        """A client changes its mind."""
        self.pair.both(
            lambda conn: cancelling.cancel(conn, task_id, reason="r", actor=acts.ADA, now=self.now).value,
            lambda: self.model.cancel(self.model.tasks[task_id], acts.ADA),
        )

    # What workers do.

    @rule(target=grips, who=workers, free=st.integers(1, 4))
    def claim(self, who: ModelWorker, free: int) -> MultipleResults[Grip]:
        """A worker with free hands takes the right tasks in the right order."""
        return multiple(*self._claim(who, free))

    @rule()
    def poll(self) -> None:
        """An old worker asks for one task."""
        claim = self.db.write(
            lambda conn: claiming.claim_for_old_worker(conn, worker_id=OLD.id, now=self.now)
        )
        expected = self.model.poll(OLD)
        assert (claim and claim.task_id) == (expected and expected.id)

    @rule(target=grips, who=workers, free=st.integers(1, 3))
    def begin_work(self, who: ModelWorker, free: int) -> MultipleResults[Grip]:
        """A worker takes tasks and starts them all."""
        taken = self._claim(who, free)
        for grip in taken:
            self._start(grip, who)
        return multiple(*taken)

    @rule(target=grips, who=workers, end=st.sampled_from(life.ENDS))
    def work(self, who: ModelWorker, end: tuple[int, str]) -> MultipleResults[Grip]:
        """A worker takes a task through, as most runs go."""
        taken = self._claim(who, 1)
        for grip in taken:
            self._start(grip, who)
            self._result(grip, who, end)
        return multiple(*taken)

    @rule(grip=grips, other=st.none() | workers)
    def start(self, grip: Grip, other: ModelWorker | None) -> None:
        """A start is asked for under a lease of today or of yesterday, by its holder or by another."""
        self._start(grip, other or grip.worker)

    @rule(grip=grips)
    def output(self, grip: Grip) -> None:
        """Output is kept under the present lease and under that of a lost run, the same piece once."""
        self.pair.both(
            lambda conn: (
                reporting.output(
                    conn,
                    grip.lease,
                    stream="stdout",
                    offset=0,
                    data=b"x",
                    by=reporter_of(grip.worker),
                    now=self.now,
                )
                and None
            ),
            lambda: self.model.output(self.model.tasks[grip.task_id], grip.lease, grip.attempt, grip.worker),
        )

    @rule(grip=grips, other=st.none() | workers, end=st.sampled_from(life.ENDS))
    def result(self, grip: Grip, other: ModelWorker | None, end: tuple[int, str]) -> None:
        """An outcome comes: in time, late, again, of a run that never started, or from another."""
        self._result(grip, other or grip.worker, end)

    @rule(task_id=submitted, code=st.sampled_from((0, 1)))
    def result_of_old(self, task_id: str, code: int) -> None:
        """An old worker reports some task, its own or not."""
        self.pair.both(
            lambda conn: (
                finishing.result_of_old_worker(
                    conn,
                    task_id,
                    outcome_of(code, "exit"),
                    streams={"stdout": b"y"},
                    by=reporter_of(OLD),
                    now=self.now,
                ).accepted
            ),
            lambda: self.model.result_of_old(self.model.tasks[task_id], OLD, code=code),
        )

    @rule(who=workers, held=st.lists(grips, max_size=3), gives_back=st.booleans())
    def sync(self, who: ModelWorker, held: list[Grip], *, gives_back: bool) -> None:
        """A worker tells what it holds: renewed, cancelled or lost; what it does not list goes back."""
        leases = [grip.lease for grip in held]

        def act(conn: Connection) -> holding.Holdings:
            known = holding.keep(conn, worker_of(who), leases, now=self.now)
            if gives_back:
                holding.give_back(conn, worker_of(who), leases, now=self.now)
            return known

        known = self.db.write(act)
        cancelled, lost = self.model.keep(who, leases)
        if gives_back:
            self.model.give_back(who, leases)
        assert (set(known.cancelled), set(known.lost)) == (cancelled, lost)

    @rule(grip=consumes(grips))
    def forget(self, grip: Grip) -> None:
        """A worker dies with what it knew."""

    # What time and the server's own life do.

    @rule(ms=st.sampled_from(life.STEPS), tidies=st.booleans())
    def pass_time(self, ms: int, *, tidies: bool) -> None:
        """The clock moves; the janitor comes soon or a little later."""
        self.model.now = self.db.pass_time(ms)
        if tidies:
            self.tidy()

    @rule()
    def tidy(self) -> None:
        """The janitor makes its round."""
        needed = self.db.read(lambda conn: recovery.is_needed(conn, now=self.now))
        before = len(self.model.events)
        self.model.tidy()
        assert needed == (len(self.model.events) > before)
        self.db.write(lambda conn: recovery.expire_leases(conn, now=self.now))
        self.db.write(lambda conn: recovery.expire_tasks(conn, now=self.now))
        self.db.write(lambda conn: recovery.expire_approvals(conn, now=self.now))

    @rule(cleanly=st.booleans())
    def restart(self, *, cleanly: bool) -> None:
        """The server stops, or is just gone, and comes back."""
        if cleanly:
            self.db.close()
        else:
            self.db.let_go()
        self.db.open()
        self.db.write(lambda conn: recovery.give_time(conn, now=self.now))
        self.model.restart()

    # What must be true after every step.

    @invariant()
    def tables_agree(self) -> None:
        """Each row says what the model says of the task."""
        self.pair.check_tables()

    @invariant()
    def record_agrees(self) -> None:
        """The record tells of each task what happened, in order, and replays to the tables."""
        self.pair.check_record()

    @invariant()
    def outcomes_agree(self) -> None:
        """Every outcome is kept, applied ones told from evidence, and at most one applied an attempt."""
        self.pair.check_outcomes()

    @property
    def now(self) -> int:
        """The present instant."""
        return self.model.now

    def _submit(self, several: list[Asked], actor: str, once: Once | None) -> list[str]:
        first, now = len(self.model.tasks), self.now
        made = [order_of(asked, nr=first + n, now=now) for n, asked in enumerate(several)]
        key, request = (None, b"") if once is None else (once.key, once.request)
        found = self.pair.both(
            lambda conn: submitting.submit(conn, [o for o, _ in made], actor=actor, now=now, once=once),
            lambda: self.model.submit([task for _, task in made], actor, key, request),
        )
        return [] if isinstance(found, str) else found

    def _claim(self, who: ModelWorker, free: int) -> list[Grip]:
        taken = self.db.write(
            lambda conn: claiming.claim(conn, worker=worker_of(who), free=free, now=self.now)
        )
        expected = self.model.claim(who, free)
        assert [claim.task_id for claim in taken] == [task.id for task in expected]
        for claim, task in zip(taken, expected, strict=True):
            task.lease = claim.lease
            assert (claim.attempt, claim.lease_expires_at) == (task.attempt, task.lease_ends)
            assert (claim.approval is not None) == (task.pinned is not None)
        return [Grip(claim.task_id, claim.attempt, claim.lease, who) for claim in taken]

    def _start(self, grip: Grip, who: ModelWorker) -> None:
        task = self.model.tasks[grip.task_id]
        self.pair.both(
            lambda conn: reporting.start(conn, grip.lease, by=reporter_of(who), now=self.now),
            lambda: self.model.start(task, grip.lease, grip.attempt, who),
        )

    def _result(self, grip: Grip, who: ModelWorker, end: tuple[int, str]) -> None:
        outcome, task = outcome_of(*end), self.model.tasks[grip.task_id]
        self.pair.both(
            lambda conn: (
                finishing.result(conn, grip.lease, outcome, by=reporter_of(who), now=self.now).accepted
            ),
            lambda: self.model.result(task, grip.lease, grip.attempt, who, code=end[0], reason=end[1]),
        )


TestLife = Life.TestCase
_is_long = settings.get_current_profile_name() == "long"
TestLife.settings = settings(
    max_examples=settings().max_examples if _is_long else 15,
    stateful_step_count=100 if _is_long else 40,
)
