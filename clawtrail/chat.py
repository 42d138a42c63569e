"""A chat as a way in: what any bot does between the messages of people and the tasks that they ask for."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Unpack

from clawtrail.client import Client
from clawtrail.errors import Busy, ClawtrailError, Conflict, ServerFailed, StillRunning, Unreachable
from clawtrail.questions import Approval
from clawtrail.result import Result
from clawtrail.tasks import PromptOptions, Task, TaskOptions

_UNFINISHED = ("pending", "claimed", "awaiting_approval", "running")
_LOOK = 3.0
"""Seconds between two looks for questions that people have to answer first."""


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody said. ``place`` is the channel or thread: what is said there is one conversation.

    ``id`` is the chat's own name of the message, by which one that is delivered twice is done once.
    """

    place: str
    id: str
    author: str
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Something to say in the chat; what is too long for a message is the content of a ``file``.

    ``asks`` is for an answer that only people who approve can act on: mention them. ``ok`` is false for what
    did not go well. The text is that of others: see to it that it mentions nobody.
    """

    text: str
    file: str | None = None
    asks: bool = False
    ok: bool = True


class Chat:
    """The conversations of one bot; threads may share it.

    It keeps nothing that a restart could lose: which session a place is in, and what goes on there, it asks
    the service, where each task carries the place as its tag. *name* tells bots apart, *longest* is what a
    message may hold, *options* go with each prompt (``cwd``, ``model``, ``max_cost_usd`` and so on).
    """

    def __init__(
        self, client: Client, name: str, *, prefix: str, longest: int, **options: Unpack[PromptOptions]
    ) -> None:
        self._client = client
        self._name = name
        self._prefix = prefix
        self._longest = longest
        self._options = options
        self._lock = threading.Lock()  # guards _heard, and keeps the order of what is said
        self._heard: deque[str] = deque(maxlen=1000)

    def hear(self, message: Message) -> Iterator[Answer] | None:
        """Do what *message* says and return what to answer, as it comes; None for what is not for the bot.

        When it returns, the task is on the record; the answers take as long as the task. The same message
        again makes no second task, and is answered once as long as the bot runs.
        """
        words = message.text.strip().split(maxsplit=1)
        if not words or not words[0].startswith(self._prefix):
            return None
        command, said = words[0].removeprefix(self._prefix), words[1] if len(words) > 1 else ""
        try:
            with self._lock:
                if command == "cancel":
                    return iter([self._cancel(self._tag(message))])
                if command not in ("run", "claude", "new") or not said:
                    return iter([self._help()])
                return self._submit(command, said, message)
        except Conflict:  # said before, when the place was in another session
            return None
        except ClawtrailError as error:
            return iter([Answer(str(error), ok=False)])

    def _submit(self, command: str, said: str, message: Message) -> Iterator[Answer] | None:
        tag = self._tag(message)
        name = f"{tag}-{message.id}"
        about: TaskOptions = {
            "tags": [tag],
            "on_behalf_of": f"{self._name}:{message.author}",
            "idempotency_key": name,
        }
        if command == "run":
            task = Task.make(said, None, **about)
        else:
            session = (command == "claude" and self._session(tag)) or name
            options: PromptOptions = {**self._options, **about, "session_id": session, "origin": self._name}
            task = Task.prompt("claude", said, **options)
        task_id = self._client.submit_task(task).task_id
        if task_id in self._heard:
            return None
        self._heard.append(task_id)
        return self._answers(task_id)

    def _tag(self, message: Message) -> str:
        return f"{self._name}-{message.place}"

    def _session(self, tag: str) -> str | None:
        """Return the session of the newest prompt of a place."""
        for task in self._client.list(tag=tag, kind="claude-cli", limit=1):
            session = self._client.show(task.task_id).payload.get("sessionId")
            return session if isinstance(session, str) else None
        return None

    def _answers(self, task_id: str) -> Iterator[Answer]:
        told: set[str] = set()
        ended: Answer | None = None
        while ended is None:
            asked: list[Approval] = []
            try:
                ended = self._end(task_id)
                if ended is None:
                    asked = self._questions(task_id)
            except (Unreachable, Busy, ServerFailed):
                continue  # the client has tried for a while; the task goes on, whoever asks
            except ClawtrailError as error:
                ended = Answer(str(error), ok=False)
            for question in asked:
                if question.approval_id not in told:
                    told.add(question.approval_id)
                    yield _asking(question)
        yield ended

    def _end(self, task_id: str) -> Answer | None:
        """Wait for a while, and say how the task ended, if it did."""
        try:
            return self._ending(self._client.wait(task_id, timeout=_LOOK))
        except StillRunning:
            return None

    def _questions(self, task_id: str) -> list[Approval]:
        """Return what people are asked about a task: before it runs, or while it does."""
        waiting = self._client.questions.list(limit=500).members
        return [question for question in waiting if question.task_id == task_id]

    def _cancel(self, tag: str) -> Answer:
        """End whatever goes on in a place."""
        tasks = list(self._client.list(tag=tag, state=_UNFINISHED))
        for task in tasks:
            self._client.cancel(task.task_id, reason="cancelled in the chat")
        return Answer(f"Cancelling {len(tasks)}." if tasks else "Nothing goes on here.")

    def _help(self) -> Answer:
        prefix = self._prefix
        lines = (
            f"{prefix}run COMMAND: run a command",
            f"{prefix}claude PROMPT: ask Claude Code; the conversation of this place goes on",
            f"{prefix}new PROMPT: begin another conversation",
            f"{prefix}cancel: end what goes on here",
        )
        return Answer("\n".join(lines))

    def _ending(self, result: Result) -> Answer:
        """Say how a task ended: what it wrote, and what went wrong."""
        is_agent = "sessionId" in result.raw
        logged = "" if is_agent and result.ok else result.stderr.rstrip()
        why = None if result.ok else result.error or f"exit code {result.exit_code}"
        text = "\n".join(filter(None, (result.stdout.rstrip(), logged, why))) or "(no output)"
        if len(text.encode("utf-16-le")) // 2 <= self._longest:  # as chats count
            return Answer(text, ok=result.ok)
        return Answer(f"{(why or 'Done')[:200]}: {len(text):,} characters.", file=text, ok=result.ok)


def _asking(question: Approval) -> Answer:
    number = question.approval_id[:8]
    return Answer(
        f"This waits for a yes (rule {question.rule!r} on {question.worker}), for half an hour at most: "
        f"clawtrail approve {number}, or clawtrail deny {number}",
        asks=True,
    )
