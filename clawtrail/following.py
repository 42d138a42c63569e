"""Following what grows: the output of a task while it runs, and several such streams at once."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from typing import TypeVar
from urllib.parse import quote

from clawtrail import fields
from clawtrail.answers import Chunk, Result, Unfinished, read_standing
from clawtrail.errors import ClawtrailError
from clawtrail.transport import Answer, Question, Transport

T = TypeVar("T")

# Below the 60 seconds after which nginx and its like give up on an answer by default.
LONGEST_POLL = 50.0
_HASTE = 0.5


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


def merge(*sources: Iterator[T]) -> Iterator[T]:
    """Yield the items of all *sources* as they come, each source in its own order; end when all have ended.

    Every source runs in a daemon thread of its own. The first error of any of them is raised here. A consumer
    who leaves early leaves the threads to end after the item that they wait for.
    """
    items: queue.SimpleQueue[T | _Ended] = queue.SimpleQueue()
    left = threading.Event()

    def drain(source: Iterator[T]) -> None:
        error: ClawtrailError | None = None
        try:
            for item in source:
                items.put(item)
                if left.is_set():
                    return
        except ClawtrailError as trouble:
            error = trouble
        finally:
            items.put(_Ended(error))

    for source in sources:
        threading.Thread(target=drain, args=(source,), name="clawtrail-follow", daemon=True).start()
    try:
        yield from _until_all_ended(items, len(sources))
    finally:
        left.set()


def _until_all_ended(items: queue.SimpleQueue[T | _Ended], running: int) -> Iterator[T]:
    while running:
        item = items.get()
        if not isinstance(item, _Ended):
            yield item
        elif item.error is not None:
            raise item.error
        else:
            running -= 1


class _Ended:
    """Says that one source has ended, and with which error."""

    def __init__(self, error: ClawtrailError | None) -> None:
        self.error = error
