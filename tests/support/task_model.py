"""What the life of tasks ought to be, in plain Python: no database, no code of the service."""

from __future__ import annotations

from dataclasses import dataclass, field

START_MS = 15_000
LEASE_MS = 60_000
RENEW_AFTER_MS = 5_000
OLD_EXTRA_MS = 60_000
OLD_KINDS = {"command", "file-read", "file-write", "file-edit", "claude-cli"}
HELD = ("claimed", "running")
NOT_STARTED_REASONS = ("policy", "failed", "cancelled")
JANITOR = "system:janitor"


@dataclass
class ModelWorker:
    """A worker: its id begins with the name of its token."""

    id: str
    kinds: frozenset[str]
    labels: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        return self.id

    @property
    def actor(self) -> str:
        """The worker's name on the record."""
        return f"worker:{self.id}"

    @property
    def token_name(self) -> str:
        """The token that it comes with."""
        return self.id.split("/")[0]


@dataclass
class ModelTask:
    """A task; ``lease`` is the token under which it is, or was last, held (kept when its worker was lost)."""

    id: str
    nr: int
    kind: str
    effect: str
    max_attempts: int
    timeout_ms: int
    created_at: int
    priority: int = 0
    labels: frozenset[str] = frozenset()
    session: str | None = None
    not_before: int | None = None
    expires_at: int | None = None
    state: str = "pending"
    attempt: int = 0
    worker: str | None = None
    lease: str | None = None
    lease_ends: int | None = None
    cancel_asked: int | None = None
    started_at: int | None = None
    finished_at: int | None = None
    answers: dict[tuple[int, str], bool] = field(default_factory=dict)
    outcomes: list[tuple[int, bool]] = field(default_factory=list)
    printed: set[tuple[int, str]] = field(default_factory=set)

    @property
    def is_finished(self) -> bool:
        """Whether it has ended for good."""
        return self.finished_at is not None

    def may_go_again(self) -> bool:
        """A lost run is repeated only if it does no harm, is still wanted and has attempts left."""
        harmless = self.effect in ("read", "idempotent")
        return harmless and self.cancel_asked is None and self.attempt < self.max_attempts

    def let_go(self) -> None:
        """Nobody holds it; the next claim starts afresh."""
        self.state = "pending"
        self.worker = self.lease = self.lease_ends = self.started_at = None


class Refused(Exception):
    """The service ought to refuse with this code."""


@dataclass
class Model:
    """All tasks, the record that ought to be, and the idempotency keys in use."""

    now: int
    tasks: dict[str, ModelTask] = field(default_factory=dict)
    events: list[tuple[str, str, int | None, str]] = field(default_factory=list)
    keys: dict[tuple[str, str], tuple[bytes, list[str]]] = field(default_factory=dict)

    def _tell(self, type_: str, task: ModelTask, actor: str, attempt: int | None) -> None:
        self.events.append((type_, task.id, attempt, actor))

    def _end(self, task: ModelTask, state: str, actor: str, attempt: int | None) -> None:
        task.state, task.finished_at, task.lease_ends = state, self.now, None
        self._tell("task.lost" if state == "unknown" else f"task.{state}", task, actor, attempt)

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
            self.tasks[task.id] = task
            self._tell("task.submitted", task, actor, None)
        return ids

    def cancel(self, task: ModelTask, actor: str) -> str:
        """Withdraw: at once before the start, by asking the worker after it."""
        if task.is_finished:
            raise Refused("illegal_transition")
        if task.state == "running":
            if task.cancel_asked is None:
                task.cancel_asked = self.now
                self._tell("cancel.requested", task, actor, task.attempt)
            return task.state
        task.cancel_asked, task.lease = self.now, None
        self._end(task, "cancelled", actor, task.attempt or None)
        return task.state

    def claimable(self, worker: ModelWorker) -> list[ModelTask]:
        """Tasks that *worker* may take now, in order; of a session only the first unfinished one."""
        found = [
            task
            for task in self.tasks.values()
            if task.state == "pending"
            and task.kind in worker.kinds
            and task.labels <= worker.labels
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
            self._tell("task.claimed", task, worker.actor, task.attempt)
        return taken

    def poll(self, worker: ModelWorker) -> ModelTask | None:
        """Hand the oldest task to an old worker, which starts at once and never renews."""
        for task in self.claim(worker, 1):
            self._start(task, worker, self.now + task.timeout_ms + OLD_EXTRA_MS)
            return task
        return None

    def _start(self, task: ModelTask, worker: ModelWorker, until: int) -> None:
        task.state, task.started_at, task.lease_ends = "running", self.now, until
        self._tell("task.started", task, worker.actor, task.attempt)

    def _holds(self, task: ModelTask, lease: str, worker: ModelWorker) -> bool:
        return (
            task.state in HELD
            and task.lease == lease
            and (task.worker or "").split("/")[0] == worker.token_name
        )

    def start(self, task: ModelTask, lease: str, attempt: int, worker: ModelWorker) -> int:
        """Allow the run, once per lease; return when the lease ends."""
        if task.state == "cancelled" and task.attempt == attempt:
            raise Refused("cancelled")
        if not self._holds(task, lease, worker):
            raise Refused("lease_lost")
        if task.state == "claimed":
            self._start(task, worker, self.now + LEASE_MS)
        assert task.lease_ends is not None
        return task.lease_ends

    def output(self, task: ModelTask, lease: str, attempt: int, worker: ModelWorker) -> None:
        """Taken of a started run under its last lease; the same again also after its outcome."""
        mine = (task.worker or "").split("/")[0] == worker.token_name
        if mine and task.lease == lease and task.state in ("running", "unknown"):
            task.printed.add((attempt, lease))
        elif mine and task.lease == lease and task.state == "claimed":
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
        if task.state in HELD and task.lease == lease and not self._holds(task, lease, worker):
            raise Refused("lease_lost")
        applied = self._holds(task, lease, worker)
        if applied and task.state == "claimed" and reason not in NOT_STARTED_REASONS:
            raise Refused("illegal_transition")
        self._take(task, lease, attempt, worker, applied=applied, code=code, reason=reason)
        return applied

    def result_of_old(self, task: ModelTask, worker: ModelWorker, *, code: int) -> bool:
        """Apply what an old worker says of the task that it holds; it names no lease."""
        if task.attempt < 1:
            raise Refused("lease_lost")
        applied = task.state == "running" and task.lease is None and task.worker == worker.id
        if not applied and (task.attempt, "") in task.answers:
            return task.answers[task.attempt, ""]
        self._take(task, "", task.attempt, worker, applied=applied, code=code, reason="exit")
        return applied

    def _take(
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
        task.answers[attempt, lease] = applied
        if not applied:
            task.outcomes.append((attempt, False))
            self._tell("outcome.refused", task, worker.actor, attempt)
            return
        again = reason == "interrupted" and task.may_go_again()
        task.outcomes.append((attempt, not again))
        task.lease = None
        if again:
            task.let_go()
            self._tell("task.requeued", task, worker.actor, attempt)
        elif reason == "interrupted":
            self._end(task, "unknown", worker.actor, attempt)
        elif reason == "cancelled" and task.cancel_asked is not None:
            self._end(task, "cancelled", worker.actor, attempt)
        else:
            ended_well = (code, reason) == (0, "exit")
            self._end(task, "completed" if ended_well else "failed", worker.actor, attempt)

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
        self._tell("claim.released", task, actor, task.attempt)
        task.attempt -= 1
        task.let_go()

    def tidy(self) -> None:
        """End what is overdue: claims, runs, then tasks that nobody wants any more."""
        overdue = [t for t in self.tasks.values() if t.lease_ends is not None and t.lease_ends <= self.now]
        for task in sorted(overdue, key=lambda t: t.lease_ends or 0):
            if task.state == "claimed":
                self._release(task, JANITOR)
            elif task.may_go_again():
                self._tell("lease.expired", task, JANITOR, task.attempt)
                task.let_go()
            else:
                self._end(task, "unknown", JANITOR, task.attempt)
        for task in self.tasks.values():
            if task.state == "pending" and task.expires_at is not None and task.expires_at <= self.now:
                self._end(task, "expired", JANITOR, None)

    def restart(self) -> None:
        """A server that comes back gives running tasks a whole lease, since nobody could renew."""
        for task in self.tasks.values():
            if task.state == "running" and task.lease_ends is not None:
                task.lease_ends = max(task.lease_ends, self.now + LEASE_MS)
