"""What the life of tasks ought to be, in plain Python: no database, no code of the service."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.support.model_tasks import ModelTask, ModelWorker

START_MS = 15_000
LEASE_MS = 60_000
RENEW_AFTER_MS = 5_000
OLD_EXTRA_MS = 60_000
OLD_KINDS = {"command", "file-read", "file-write", "file-edit", "claude-cli"}
HELD = ("claimed", "awaiting_approval", "running")
NOT_STARTED_REASONS = ("policy", "failed", "cancelled")
JANITOR = "system:janitor"


class Refused(Exception):
    """The service ought to refuse with this code."""


@dataclass
class Model:
    """All tasks, the record that ought to be, and the idempotency keys in use."""

    now: int
    tasks: dict[str, ModelTask] = field(default_factory=dict)
    events: list[tuple[str, str, int | None, str]] = field(default_factory=list)
    keys: dict[tuple[str, str], tuple[bytes, list[str]]] = field(default_factory=dict)

    def tell(self, type_: str, task: ModelTask, actor: str, attempt: int | None) -> None:
        """Put an event on the record that ought to be."""
        self.events.append((type_, task.id, attempt, actor))

    def end(
        self, task: ModelTask, state: str, actor: str, attempt: int | None, type_: str | None = None
    ) -> None:
        """End a task for good, with the event that tells of it."""
        task.state, task.finished_at, task.lease_ends = state, self.now, None
        usual = "task.lost" if state == "unknown" else f"task.{state}"
        self.tell(type_ or usual, task, actor, attempt)

    def submit(self, new: list[ModelTask], actor: str, key: str | None, request: bytes) -> list[str]:
        """Take tasks in; a repeated request gets the first one's ids."""
        ids = [task.id for task in new]
        if key is not None and (actor, key) in self.keys:
            first, earlier = self.keys[actor, key]
            if first != request:
                raise Refused("idempotency_conflict")
            return earlier
        if key is not None:
            self.keys[actor, key] = (request, ids)
        for task in new:
            self.tasks[task.id], task.submitter = task, actor
            self.tell("task.submitted", task, actor, None)
        return ids

    def cancel(self, task: ModelTask, actor: str) -> str:
        """Withdraw: at once before the start, by asking the worker after it."""
        if task.is_finished:
            raise Refused("illegal_transition")
        if task.state == "running":
            if task.cancel_asked is None:
                task.cancel_asked = self.now
                self.tell("cancel.requested", task, actor, task.attempt)
            return task.state
        if task.state == "awaiting_approval" and task.question is not None:
            task.question.state, task.question.by = "withdrawn", actor
        task.cancel_asked, task.lease = self.now, None
        self.end(task, "cancelled", actor, task.attempt or None)
        return task.state

    def claimable(self, worker: ModelWorker) -> list[ModelTask]:
        """Tasks that *worker* may take now, in order; of a session only the first unfinished one."""
        found = [
            task
            for task in self.tasks.values()
            if task.state == "pending"
            and task.kind in worker.kinds
            and task.labels <= worker.labels
            and task.pinned in (None, worker.id)
            and (task.not_before is None or task.not_before <= self.now)
            and (task.expires_at is None or task.expires_at > self.now)
            and not self._is_behind(task)
        ]
        return sorted(found, key=lambda task: (-task.priority, task.nr))

    def _is_behind(self, task: ModelTask) -> bool:
        siblings = (t for t in self.tasks.values() if t.session is not None and t.session == task.session)
        return any(not s.is_finished and (s.state in HELD or s.nr < task.nr) for s in siblings)

    def claim(self, worker: ModelWorker, free: int) -> list[ModelTask]:
        """Take up to *free* tasks, each until its start is due."""
        taken = self.claimable(worker)[:free]
        for task in taken:
            task.state, task.worker, task.attempt = "claimed", worker.id, task.attempt + 1
            task.lease_ends = self.now + START_MS
            self.tell("task.claimed", task, worker.actor, task.attempt)
        return taken

    def poll(self, worker: ModelWorker) -> ModelTask | None:
        """Hand the oldest task to an old worker, which starts at once and never renews."""
        for task in self.claim(worker, 1):
            self._start(task, worker, self.now + task.timeout_ms + OLD_EXTRA_MS)
            return task
        return None

    def _start(self, task: ModelTask, worker: ModelWorker, until: int) -> None:
        task.state, task.started_at, task.lease_ends = "running", self.now, until
        self.tell("task.started", task, worker.actor, task.attempt)

    def holds(self, task: ModelTask, lease: str, worker: ModelWorker) -> bool:
        """Say whether this is the present lease of the task, shown by its holder."""
        return (
            task.state in HELD
            and task.lease == lease
            and (task.worker or "").split("/")[0] == worker.token_name
        )

    def start(self, task: ModelTask, lease: str, attempt: int, worker: ModelWorker) -> int:
        """Allow the run, once per lease; return when the lease ends."""
        if task.state == "cancelled" and task.attempt == attempt:
            raise Refused("cancelled")
        if not self.holds(task, lease, worker):
            raise Refused("lease_lost")
        if task.state == "awaiting_approval":
            raise Refused("illegal_transition")
        if task.state == "claimed":
            if task.pinned is not None and task.question is not None:
                task.pinned, task.question.used_at = None, self.now
            self._start(task, worker, self.now + LEASE_MS)
        assert task.lease_ends is not None
        return task.lease_ends

    def output(self, task: ModelTask, lease: str, attempt: int, worker: ModelWorker) -> None:
        """Taken of a started run under its last lease; the same again also after its outcome."""
        mine = (task.worker or "").split("/")[0] == worker.token_name
        if mine and task.lease == lease and task.state in ("running", "unknown"):
            task.printed.add((attempt, lease))
        elif mine and task.lease == lease and task.state in HELD:
            raise Refused("illegal_transition")
        elif not task.answers.get((attempt, lease)) or (attempt, lease) not in task.printed:
            raise Refused("lease_lost")

    def result(
        self, task: ModelTask, lease: str, attempt: int, worker: ModelWorker, *, code: int, reason: str
    ) -> bool:
        """Apply an outcome under the present lease; keep any other as evidence. Say whether applied."""
        if attempt > task.attempt:
            raise Refused("lease_lost")
        if (attempt, lease) in task.answers:
            return task.answers[attempt, lease]
        if task.state in HELD and task.lease == lease and not self.holds(task, lease, worker):
            raise Refused("lease_lost")
        applied = self.holds(task, lease, worker)
        if applied and task.state == "awaiting_approval":
            raise Refused("illegal_transition")
        if applied and task.state == "claimed" and reason not in NOT_STARTED_REASONS:
            raise Refused("illegal_transition")
        self.take(task, lease, attempt, worker, applied=applied, code=code, reason=reason)
        return applied

    def result_of_old(self, task: ModelTask, worker: ModelWorker, *, code: int) -> bool:
        """Apply what an old worker says of the task that it holds; it names no lease."""
        if task.attempt < 1:
            raise Refused("lease_lost")
        applied = task.state == "running" and task.lease is None and task.worker == worker.id
        if not applied and (task.attempt, "") in task.answers:
            return task.answers[task.attempt, ""]
        self.take(task, "", task.attempt, worker, applied=applied, code=code, reason="exit")
        return applied

    def take(
        self,
        task: ModelTask,
        lease: str,
        attempt: int,
        worker: ModelWorker,
        *,
        applied: bool,
        code: int,
        reason: str,
    ) -> None:
        """Take an outcome in: applied, or as evidence only."""
        task.answers[attempt, lease] = applied
        if not applied:
            task.outcomes.append((attempt, False))
            self.tell("outcome.refused", task, worker.actor, attempt)
            return
        again = reason == "interrupted" and task.may_go_again()
        task.outcomes.append((attempt, not again))
        task.lease = None
        if again:
            task.let_go()
            self.tell("task.requeued", task, worker.actor, attempt)
        elif reason == "interrupted":
            self.end(task, "unknown", worker.actor, attempt)
        elif reason == "cancelled" and task.cancel_asked is not None:
            self.end(task, "cancelled", worker.actor, attempt)
        else:
            ended_well = (code, reason) == (0, "exit")
            self.end(task, "completed" if ended_well else "failed", worker.actor, attempt)

    def keep(self, worker: ModelWorker, leases: list[str]) -> tuple[set[str], set[str]]:
        """Renew what the worker holds; return the tasks to cancel and the leases lost before their end."""
        mine = {t.lease: t for t in self.tasks.values() if t.worker == worker.id and t.state in HELD}
        alive = [mine[lease] for lease in leases if lease in mine]
        for task in alive:
            assert task.lease_ends is not None
            if task.state == "running" and task.lease_ends < self.now + LEASE_MS - RENEW_AFTER_MS:
                task.lease_ends = self.now + LEASE_MS
        cancelled = {task.id for task in alive if task.cancel_asked is not None}
        told = {lease for task in self.tasks.values() for _attempt, lease in task.answers}
        return cancelled, {lease for lease in leases if lease not in mine and lease not in told}

    def give_back(self, worker: ModelWorker, leases: list[str]) -> None:
        """Put back what the worker was sent and does not list."""
        known = {lease.split(".")[0] for lease in leases}
        missed = [t for t in self.tasks.values() if t.worker == worker.id and t.state == "claimed"]
        for task in (t for t in missed if t.id not in known):
            self._release(task, worker.actor)

    def _release(self, task: ModelTask, actor: str) -> None:
        self.tell("claim.released", task, actor, task.attempt)
        task.attempt -= 1
        task.let_go()

    def tidy(self) -> None:
        """End what is overdue: claims, runs, then tasks that nobody wants any more."""
        overdue = [t for t in self.tasks.values() if t.lease_ends is not None and t.lease_ends <= self.now]
        for task in sorted(overdue, key=lambda t: t.lease_ends or 0):
            if task.state == "claimed":
                self._release(task, JANITOR)
            elif task.state == "awaiting_approval" and task.question is not None:
                task.question.state, task.question.by = "expired", JANITOR
                self.end(task, "denied", JANITOR, task.attempt, "approval.expired")
            elif task.may_go_again():
                self.tell("lease.expired", task, JANITOR, task.attempt)
                task.let_go()
            else:
                self.end(task, "unknown", JANITOR, task.attempt)
        for task in self.tasks.values():
            if task.state == "pending" and task.expires_at is not None and task.expires_at <= self.now:
                self.end(task, "expired", JANITOR, None)
            elif task.state == "pending" and task.pinned and task.question and task.question.ends <= self.now:
                self.end(task, "denied", JANITOR, task.attempt or None, "approval.expired")

    def restart(self) -> None:
        """A server that comes back gives running tasks a whole lease, since nobody could renew."""
        for task in self.tasks.values():
            if task.state == "running" and task.lease_ends is not None:
                task.lease_ends = max(task.lease_ends, self.now + LEASE_MS)
