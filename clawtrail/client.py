"""The client: what the service can do, as calls of Python."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self, Unpack, cast

from clawtrail import fields, following
from clawtrail.agents import AgentSession, Reply
from clawtrail.answers import (
    Chunk,
    Detail,
    Event,
    Stats,
    Submitted,
    Summary,
    Unfinished,
    WorkerSeen,
    read_content,
    read_standing,
)
from clawtrail.errors import Conflict, StillRunning, TaskFailed
from clawtrail.fields import Json
from clawtrail.following import LONGEST_POLL, Filters, task_path
from clawtrail.profile import ProfileOptions, find_profile
from clawtrail.questions import Questions
from clawtrail.result import Result
from clawtrail.schedules import Schedules
from clawtrail.submitting import Submitting
from clawtrail.tasks import Agent, AskOptions, CommandOptions, PromptOptions, Task, TaskOptions
from clawtrail.transport import Question, Retrying, Transport

if TYPE_CHECKING:
    from clawtrail.witness import Witnessed

Stream = Literal["stdout", "stderr"]


class Client:
    """One server, asked with one token; threads may share it.

    Durations given to it are seconds (floats); what it returns names its units: ``_ms`` for milliseconds,
    ``_at`` for epoch milliseconds. Every call that makes a task carries an idempotency key (its own, or the
    one that is given), so that its retries never make a second task.

    Every call may raise ``Unreachable``, ``BadAnswer``, ``Unauthorized``, ``Forbidden``, ``Busy`` and
    ``ServerFailed``, those that name a task also ``NotFound``, those that take content ``InvalidRequest``.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        timeout: float = 30.0,
        retrying: Retrying | None = None,
        **options: Unpack[ProfileOptions],
    ) -> None:
        """Prepare a client; nothing is sent yet. What is not given is looked for as ``find_profile`` says.

        *timeout* is for one call with all its retries, besides the time that the call is asked to wait.
        With a ``signing_key`` every task is signed. Raises ``NotConfigured`` without a usable address, token
        and key.
        """
        profile = find_profile(url=url, token=token, **options)
        self._transport = Transport(profile, timeout=timeout, retrying=retrying or Retrying())
        self._submitting = Submitting(self._transport, profile)

    def __repr__(self) -> str:
        return f"Client({self._transport.url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the kept connections."""
        self._transport.close()

    def submit(
        self,
        command: str | None = None,
        *,
        argv: Sequence[str] | None = None,
        **options: Unpack[CommandOptions],
    ) -> Submitted:
        """Hand over a command; once this returns, the task is durable on the record."""
        return self.submit_task(Task.make(command, argv, **options))

    def submit_task(self, task: Task) -> Submitted:
        """Hand over a *task* of any kind; once this returns, it is durable on the record."""
        return Submitted.read(self._submitting.task(task))

    def submit_many(self, tasks: Iterable[Task]) -> tuple[Submitted, ...]:
        """Hand over up to 1,000 tasks, all or none of them, and return them in the same order.

        Raises ``ValueError`` for file operations and prompts, which have routes of their own.
        """
        answer = self._submitting.batch(list(tasks))
        return tuple(map(Submitted, fields.texts(answer, "taskIds")))

    def run(
        self,
        command: str | None = None,
        *,
        argv: Sequence[str] | None = None,
        check: bool = False,
        wait_for: float | None = None,
        **options: Unpack[CommandOptions],
    ) -> Result:
        """Run a command and return its result: one round trip where it is short.

        Waits for ever, or *wait_for* seconds and then raises ``StillRunning`` (the task goes on). With
        *check*, a task that did not complete with exit code 0 is raised as ``TaskFailed``.
        """
        return self.run_task(Task.make(command, argv, **options), check=check, wait_for=wait_for)

    def run_task(self, task: Task, *, check: bool = False, wait_for: float | None = None) -> Result:
        """Run a *task* of any kind and return its result, as ``run`` does."""
        until = None if wait_for is None else time.monotonic() + wait_for
        standing = self.start(task, wait=LONGEST_POLL if wait_for is None else wait_for)
        if isinstance(standing, Unfinished):
            standing = following.wait_for_end(self._transport, standing.task_id, until=until)
        if isinstance(standing, Unfinished):
            raise StillRunning(standing.task_id, standing.state)
        if check and not standing.ok:
            raise TaskFailed(standing)
        return standing

    def start(self, task: Task, *, wait: float) -> Result | Unfinished:
        """Hand over *task* and wait up to *wait* seconds (at most 50) for its result, in one round trip."""
        return read_standing(self._submitting.task(task, wait=min(wait, LONGEST_POLL)))

    def rerun(self, task_id: str) -> Submitted:
        """Make a new task with the content of an old one; the old one stays as it is.

        It is not signed: the content comes from the server, and only what you say yourself is signed.
        """
        return Submitted.read(self._submitting.again(task_path(task_id, "rerun")))

    def read_file(self, path: str, *, offset: int | None = None, limit: int | None = None) -> bytes:
        """Return the bytes of a file on the worker's computer, or *limit* of them from *offset* on.

        Raises ``TaskFailed`` when it cannot be read, ``BadAnswer`` when it is larger than a result may be.
        """
        return read_content(self.run_task(Task.file_read(path, offset=offset, limit=limit), check=True))

    def write_file(self, path: str, content: str | bytes, **options: Unpack[TaskOptions]) -> Result:
        """Write exactly *content* (text as UTF-8) and return the result, with digests in its metadata.

        Raises ``TaskFailed`` when it cannot be written.
        """
        return self.run_task(Task.file_write(path, content, **options), check=True)

    def edit_file(
        self, path: str, old: str, new: str, *, replace_all: bool = False, **options: Unpack[TaskOptions]
    ) -> Result:
        """Replace *old*, which must stand there exactly once, or everywhere with *replace_all*.

        The result's metadata has a unified diff. Raises ``TaskFailed`` unless *old* is found once.
        """
        return self.run_task(Task.file_edit(path, old, new, replace_all=replace_all, **options), check=True)

    def ask_claude(self, prompt: str, **options: Unpack[AskOptions]) -> Reply:
        """Hand a prompt to Claude Code and return its answer, as ``run`` does; raises ``BudgetSpent``."""
        return self._ask("claude", prompt, options)

    def ask_codex(self, prompt: str, **options: Unpack[AskOptions]) -> Reply:
        """Hand a prompt to Codex, as ``ask_claude`` does to Claude Code."""
        return self._ask("codex", prompt, options)

    def ask_gemini(self, prompt: str, **options: Unpack[AskOptions]) -> Reply:
        """Hand a prompt to Gemini, as ``ask_claude`` does to Claude Code."""
        return self._ask("gemini", prompt, options)

    def sessions(self, agent: Agent | None = None, *, limit: int = 50) -> tuple[AgentSession, ...]:
        """Return the sessions of *agent*, or of all agents, the newest first; at most *limit*, up to 500."""
        query: Json = {"limit": limit} | ({} if agent is None else {"cliType": agent})
        answer = self._get("/sessions/state", query=query)
        return tuple(map(AgentSession.read, fields.mappings(answer, "sessions")))

    def get(self, task_id: str, *, wait: float = 0.0) -> Result | Unfinished:
        """Return the result, or how the task stands when it has none within *wait* seconds (at most 50)."""
        return read_standing(self._get(task_path(task_id), wait=min(wait, LONGEST_POLL)))

    def wait(self, task_id: str, *, timeout: float | None = None) -> Result:
        """Return the result as soon as there is one; raises ``StillRunning`` after *timeout* seconds.

        Outlasts restarts of the server that are shorter than this client's own timeout.
        """
        until = None if timeout is None else time.monotonic() + timeout
        standing = following.wait_for_end(self._transport, task_id, until=until)
        if isinstance(standing, Unfinished):
            raise StillRunning(task_id, standing.state)
        return standing

    def output(self, task_id: str, *, stream: Stream | None = None) -> Iterator[Chunk]:
        """Yield the output from its beginning on, as it comes, of one stream or both, until the task ends."""
        if stream is not None:
            return following.follow_output(self._transport, task_id, stream)
        names: tuple[Stream, ...] = ("stdout", "stderr")
        return iter(
            following.Merged(*(following.follow_output(self._transport, task_id, name) for name in names))
        )

    def list(self, *, limit: int | None = None, **filters: Unpack[Filters]) -> Iterator[Summary]:
        """Yield the tasks that match, newest first, page by page; at most *limit* of them."""
        return following.list_tasks(self._transport, following.query_of(filters), limit)

    def show(self, task_id: str) -> Detail:
        """Return everything about one task: content, outcomes, why it stands where it stands."""
        return Detail.read(self._get(task_path(task_id, "detail")))

    def history(self, task_id: str) -> tuple[Event, ...]:
        """Return the lines of the record that tell of one task, oldest first."""
        answer = self._get(task_path(task_id, "events"))
        return tuple(map(Event.read, fields.mappings(answer, "events")))

    def receipt(self, task_id: str) -> str:
        """Return the text that proves what the record says of a task; ``clawtrail verify`` checks it."""
        question = Question("GET", task_path(task_id, "receipt"), plain=True)
        return self._transport.ask(question).text

    def checkpoint(self) -> str:
        """Return the newest checkpoint of the record, a signed note, as it is shown."""
        return self._transport.ask(Question("GET", "/log/checkpoint", plain=True)).text

    def verify_record(
        self,
        *,
        key: str | None = None,
        also: str | None = None,
        folder: Path | None = None,
        fresh: bool = False,
    ) -> Witnessed:
        """Check that the record only grew since the last time, and remember its newest checkpoint.

        *key* is the verifier key to believe, *also* a signed note kept elsewhere that must fit, too. What is
        remembered lies in *folder*, or in ``~/.local/state/clawtrail``; *fresh* forgets it. Raises
        ``RecordAlarm``, ``NotConfigured``.
        """
        from clawtrail import witness  # noqa: PLC0415 - cryptography takes long to load, and few need it

        return witness.look(self._transport, folder, key=key, also=also, fresh=fresh)

    def workers(self) -> tuple[WorkerSeen, ...]:
        """Return every worker that the server has seen."""
        return tuple(map(WorkerSeen.read, fields.mappings(self._get("/workers"), "workers")))

    def stats(self) -> Stats:
        """Return how many tasks there are, in all and by state."""
        return Stats.read(self._get("/tasks/stats"))

    def cancel(self, task_id: str, *, reason: str | None = None) -> str:
        """Ask for the end of a task; return its state: ``cancelled``, or as before until its worker hears it.

        Cancelling twice is as good as once. Raises ``Conflict`` for a task that has ended otherwise.
        """
        body: Json = {} if reason is None else {"reason": reason}
        try:
            answer = self._transport.ask(Question("POST", task_path(task_id, "cancel"), body=body)).content
        except Conflict:
            standing = self.get(task_id)
            if standing.state == "cancelled":
                return standing.state
            raise
        return fields.text(answer, "state")

    @property
    def questions(self) -> Questions:
        """What workers ask people before they run it: ``list``, ``approve`` and ``deny``."""
        return Questions(self._transport)

    @property
    def schedules(self) -> Schedules:
        """Tasks that the server submits by itself: ``add``, ``list``, ``show``, ``change``, ``pause`` ..."""
        return Schedules(self._transport)

    def _ask(self, agent: Agent, prompt: str, options: AskOptions) -> Reply:
        check, wait_for = options.pop("check", False), options.pop("wait_for", None)
        task = Task.prompt(agent, prompt, **cast("PromptOptions", options))
        return Reply.of(self.run_task(task, check=check, wait_for=wait_for))

    def _get(self, path: str, *, query: Json | None = None, wait: float = 0.0) -> Json:
        return self._transport.ask(Question("GET", path, query=query or {}, wait=wait)).content
