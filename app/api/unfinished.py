"""The answer of a view that waits: begun in one thread, ended perhaps in another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from flask import Response

from app.api.errors import handle, send
from app.pauses import Pause, Suspended, Work
from config.logs import request_id

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

SUSPENDS = "clawtrail.suspends"
"""The key in the WSGI environment by which a server says that it can take up requests again."""

UNFINISHED = "clawtrail.unfinished"
"""The key in the WSGI environment of the ``Steps`` of a request that was suspended."""


class Unfinished(Response):
    """What Flask takes for the answer of an ``async`` view; the view runs when it is called.

    It has none of a response's fields: Flask passes it on, and nothing looks at it.
    """

    def __init__(self, work: Work[Any]) -> None:
        self._work = work

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Run the view to its end, or under a server that knows of it to its first pause."""
        return Steps(self._work, environ, start_response).run()


class Steps:
    """One request on its way through the pauses of its view; one thread at a time."""

    __slots__ = ("_environ", "_name", "_start_response", "_work")

    def __init__(self, work: Work[Any], environ: WSGIEnvironment, start_response: StartResponse) -> None:
        self._work = work
        self._environ = environ
        self._start_response = start_response
        self._name = request_id.get()

    def take_up(self) -> Iterable[bytes]:
        """Go on after a pause, under the same id in the log; return as ``run``.

        Flask's contexts ended with the first thread: after a pause a view asks its ``Call`` alone.
        """
        del self._environ[UNFINISHED]
        before = request_id.set(self._name)
        try:
            return self.run()
        finally:
            request_id.reset(before)

    def abandon(self) -> None:
        """Go on to the end here and now, although nobody waits for the answer any more."""
        del self._environ[SUSPENDS]
        self.take_up()

    def run(self) -> Iterable[bytes]:
        """Go on; return the body, or if the view pauses, what says so when it is iterated over."""
        while True:
            told = self._step()
            if not isinstance(told, Pause):
                return told
            if SUSPENDS in self._environ:
                self._environ[UNFINISHED] = self
                return _Interruption(told)
            told.wait()

    def _step(self) -> Iterable[bytes] | Pause:
        try:
            return self._work.send(None)
        except StopIteration as end:
            if not isinstance(end.value, Response):
                return send(end.value, self._environ, self._start_response)
            response = end.value
        except Exception as error:  # noqa: BLE001 - every error has its answer, as in Flask
            response = handle(error, self._environ["REQUEST_METHOD"], self._environ["PATH_INFO"])
        return response(self._environ, self._start_response)


class _Interruption:
    """A body that is not there yet."""

    def __init__(self, pause: Pause) -> None:
        self._pause = pause

    def __iter__(self) -> Iterator[bytes]:
        raise Suspended(self._pause)
