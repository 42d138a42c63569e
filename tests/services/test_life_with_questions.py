"""The life of tasks with policies that ask: verdicts, people who answer, and all the rest, at random."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import MultipleResults, invariant, multiple, rule
from sqlalchemy import Connection

from app.services import approvals, reporting
from app.services.approvals import Answer, Decider
from tests.services.test_life_of_tasks import Life
from tests.support import question_model
from tests.support.life import Grip, reporter_of, workers
from tests.support.model_tasks import ModelWorker

digests = st.sampled_from(("d1", "d1", "d1", "d2"))
people = st.sampled_from(("ann", "ann", "ben", "ada"))


class Asking(Life):
    """What can happen to tasks, and beside it questions and their answers."""

    @rule(
        grip=Life.grips,
        other=st.none() | workers,
        given=st.sampled_from(("ask", "ask", "allow", "deny")),
        digest=digests,
    )
    def judge(self, grip: Grip, other: ModelWorker | None, given: str, digest: str) -> None:
        """A policy says something of a lease of today or of yesterday, its holder's or another's."""
        self._judge(grip, other or grip.worker, given, digest)

    @rule(target=Life.grips, who=workers, digest=digests)
    def ask(self, who: ModelWorker, digest: str) -> MultipleResults[Grip]:
        """A worker takes a task and asks about it, or runs it when the yes is there."""
        taken = self._claim(who, 1)
        for grip in taken:
            self._judge(grip, who, "ask", digest)
            self._start(grip, who)
        return multiple(*taken)

    @rule(task_id=Life.submitted, yes=st.booleans(), who=people)
    def decide(self, task_id: str, who: str, *, yes: bool) -> None:
        """Somebody answers what was asked last about a task: in time, late, again, or for himself."""
        self._decide(task_id, who, yes=yes)

    @rule(target=Life.grips, who=workers, then=workers, digest=digests, starts=st.booleans())
    def ask_and_go(
        self, who: ModelWorker, then: ModelWorker, digest: str, *, starts: bool
    ) -> MultipleResults[Grip]:
        """A worker asks, Ann says yes, some worker claims and perhaps asks and starts."""
        first = self._claim(who, 1)
        for grip in first:
            self._judge(grip, who, "ask", "d1")
            self._decide(grip.task_id, "ann", yes=True)
        again = self._claim(then, 2)
        for grip in again if starts else ():
            self._judge(grip, then, "ask", digest)
            self._start(grip, then)
        return multiple(*first, *again)

    @rule(minutes=st.sampled_from((1, 29, 30)))
    def be_patient(self, minutes: int) -> None:
        """Nobody does anything for a while."""
        self.pass_time(minutes * 60_000, tidies=True)

    @invariant()
    def questions_agree(self) -> None:
        """The table of questions says what the model says."""
        self.pair.check_questions()

    def _decide(self, task_id: str, who: str, *, yes: bool) -> None:
        task = self.model.tasks[task_id]
        asked, asked_id = task.question, self.db.task(task_id).approval_id
        if asked is None:
            return
        by = Decider(who, f"approver:{who}")

        def act(conn: Connection) -> str:
            return str(approvals.decide(conn, asked_id, Answer(yes), by=by, now=self.now).state)

        self.pair.both(act, lambda: question_model.decide(self.model, task, asked, yes=yes, who=who))

    def _judge(self, grip: Grip, who: ModelWorker, given: str, digest: str) -> None:
        task = self.model.tasks[grip.task_id]
        self.pair.both(
            lambda conn: reporting.verdict(
                conn,
                grip.lease,
                given=given,
                rule="r",
                digest=digest,
                policy_hash="p",
                describe="what would run",
                by=reporter_of(who),
                now=self.now,
            ),
            lambda: question_model.verdict(self.model, task, grip.lease, who, given=given, digest=digest),
        )


TestAsking = Asking.TestCase
_is_long = settings.get_current_profile_name() == "long"
TestAsking.settings = settings(
    max_examples=settings().max_examples if _is_long else 30,
    stateful_step_count=100 if _is_long else 50,
)
