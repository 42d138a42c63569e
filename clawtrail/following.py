"""Following what grows: the output of a task while it runs, and several such streams at once."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypedDict, TypeVar
from urllib.parse import quote

from clawtrail import fields
from clawtrail.answers import Chunk, Summary, Unfinished, read_standing
from clawtrail.errors import ClawtrailError
from clawtrail.result import Result
from clawtrail.transport import Answer, Question, Transport

T = TypeVar("T")

# Below the 60 seconds after which nginx and its like give up on an answer by default.
LONGEST_POLL = 50.0
_HASTE = 0.5
_LOOK_UP = 0.5


def task_path(task_id: str, *rest: str) -> str:
    """Return the path of a task, or of something under it."""
    return "/".join(["/tasks", quote(task_id, safe=""), *rest])


def poll(transport: Transport, path: str, *, wait: float, query: dict[str, object] | None = None) -> Answer:
    """Return the answer of one long poll of at most *wait* seconds, outlasting a restart of the server."""
    return transport.ask(Question("GET", path, query=query or {}, wait=wait, patient=True))


def pause_before_next(answer: Answer, *, held: float, asked: float) -> None:
    """Sleep before the next poll where this one was answered with nothing new before its time.

    A server with too many waiting answers at once; without this its clients would turn in circles.
    """
    if held < min(asked, _HASTE):
        time.sleep(min(asked, answer.retry_after or _HASTE))


class Filters(TypedDict, total=False):
    """What a list of tasks is narrowed to; *q* is searched for in commands, paths and prompts.

    *since* and *until* are epoch milliseconds. What is None narrows nothing.
    """

    state: str | Sequence[str] | None
    kind: str | None
    actor: str | None
    worker: str | None
    q: str | None
    since: int | None
    until: int | None
    tag: str | None


def query_of(filters: Filters) -> dict[str, object]:
    """Return *filters* as the query of a list."""
    asked: dict[str, object] = {name: value for name, value in filters.items() if value is not None}
    states = filters.get("state")
    if states is not None and not isinstance(states, str):
        asked["state"] = ",".join(states)
    return asked


def list_tasks(transport: Transport, query: dict[str, object], limit: int | None) -> Iterator[Summary]:
    """Yield the tasks that *query* asks for, page by page; at most *limit* of them."""
    while limit is None or limit > 0:
        asked = query | {"limit": 200 if limit is None else min(limit, 200)}
        answer = transport.ask(Question("GET", "/tasks", query=asked)).content
        page = fields.mappings(answer, "tasks")
        yield from map(Summary.read, page)
        cursor = fields.text_or_none(answer, "nextCursor")
        if cursor is None or not page:
            return
        query = query | {"cursor": cursor}
        limit = None if limit is None else limit - len(page)


def wait_for_end(transport: Transport, task_id: str, *, until: float | None) -> Result | Unfinished:
    """Return the result as soon as there is one, or how the task stands at *until* (monotonic seconds)."""
    while True:
        begun = time.monotonic()
        wait = LONGEST_POLL if until is None else min(LONGEST_POLL, max(0.0, until - begun))
        answer = poll(transport, task_path(task_id), wait=wait)
        standing = read_standing(answer.content)
        now = time.monotonic()
        if isinstance(standing, Result) or (until is not None and now >= until):
            return standing
        pause_before_next(answer, held=now - begun, asked=wait)


def follow_output(transport: Transport, task_id: str, stream: str, *, start: int = 0) -> Iterator[Chunk]:
    """Yield the bytes of one *stream* from *start* on, as they come, until the task has ended."""
    while True:
        begun = time.monotonic()
        query: dict[str, object] = {"stream": stream, "from": start}
        answer = poll(transport, task_path(task_id, "output"), wait=LONGEST_POLL, query=query)
        chunk, done = Chunk.read(answer.content), fields.truth(answer.content, "done")
        if chunk.data or chunk.skipped:
            yield chunk
        elif not done:
            pause_before_next(answer, held=time.monotonic() - begun, asked=LONGEST_POLL)
        following = fields.integer(answer.content, "next")
        if done and following <= start:
            return
        start = following


class Merged(Generic[T]):
    """The items of several sources in one stream, as they come; each source keeps its own order.

    Every source runs in a daemon thread of its own, and its error is raised to the one consumer. A consumer
    who leaves early leaves the threads to end after the item that they wait for. ``put`` may be called by
    any thread and by signal handlers.
    """

    def __init__(self, *sources: Iterator[T]) -> None:
        self._sources = sources
        self._items: queue.SimpleQueue[T | _Ended] = queue.SimpleQueue()
        self._left = threading.Event()

    def put(self, item: T) -> None:
        """Let *item* come next, after what has come already."""
        self._items.put(item)

    def __iter__(self) -> Iterator[T]:
        """Start the sources and yield what they give; use it once."""
        for source in self._sources:
            threading.Thread(target=self._drain, args=(source,), name="clawtrail-follow", daemon=True).start()
        running = len(self._sources)
        try:
            while running:
                item = self._next()
                if not isinstance(item, _Ended):
                    yield item
                elif item.error is not None:
                    raise item.error
                else:
                    running -= 1
        finally:
            self._left.set()

    def _next(self) -> T | _Ended:
        # A signal that comes just before a thread goes to sleep does not wake it, and its handler, which runs
        # between the steps of Python only, would wait for the next item. So look up now and then.
        while True:
            with suppress(queue.Empty):
                return self._items.get(timeout=_LOOK_UP)

    def _drain(self, source: Iterator[T]) -> None:
        ended = _Ended()
        try:
            for item in source:
                self._items.put(item)
                if self._left.is_set():
                    return
        except ClawtrailError as error:
            ended = _Ended(error)
        finally:
            self._items.put(ended)


@dataclass(frozen=True, slots=True)
class _Ended:
    """Says that one source has ended, and with which error."""

    error: ClawtrailError | None = None
