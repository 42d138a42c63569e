"""The callback of one task: what has to be told at its end, gathered while it runs."""

from collections.abc import Callable, Mapping, Sequence

from pydantic import JsonValue

from worker.answers import Claim
from worker.callbacks.awaiting import Handing
from worker.callbacks.ended import AWAITING, NAMES, Ended
from worker.items import Ending

MOST_OUTPUT = 1024 * 1024
"""Characters of output that are told, the last ones. All of it is with the service."""

_BEFORE = 256 * 1024
"""So many more bytes are kept, since a secret may begin there: it is masked before the output is cut."""

Notes = Mapping[str, bytes]
"""What the journal keeps of a callback, for each of its sinks."""


class Callback:
    """Used by the thread of the run alone. Without *sinks* there is nothing to tell."""

    def __init__(
        self,
        begun: Ended | None,
        sinks: Sequence[str],
        token: str | None,
        *,
        tell: Handing,
        wait: Handing,
    ) -> None:
        """Give how the task of *begun* ended to *tell*, and to *wait* when people are asked first.

        None has no callback.
        """
        self._ended = begun
        self._sinks = sinks
        self._token = token
        self._tell = tell
        self._wait = wait
        self._said = b""
        self._size = 0

    def hear(self, data: bytes) -> None:
        """Take in what the agent wrote on stdout."""
        if self._ended is not None:
            self._size += len(data)
            self._said = (self._said + data)[-(MOST_OUTPUT + _BEFORE) :]

    def begun(self) -> Notes:
        """Give what to note before the start: told if the run is never heard of again."""
        return self._notes()

    def asked(self) -> Notes:
        """Give what to note before people are asked: so the next life goes on waiting for their answer."""
        return self._notes(status=AWAITING)

    def over(self, ending: Ending, *, took_ms: int, mask: Callable[[str], str]) -> Notes:
        """Take in how the run ended, in words that may be shown, and give what to note of it."""
        if self._ended is not None:
            output = mask(self._said.decode(errors="replace"))[-MOST_OUTPUT:]
            self._ended = self._ended.model_copy(
                update={
                    "status": _status(ending),
                    "reason": ending.reason,
                    "exit_code": ending.exit_code,
                    "error": ending.error,
                    "duration_ms": took_ms,
                    "output": output,
                    "left_out": self._size > MOST_OUTPUT,
                }
            )
        return self._notes()

    def wait(self) -> None:
        """Have it told if the task ends without a run, since people are asked. Returns at once."""
        if self._ended is not None:
            self._wait(self._ended, self._sinks, self._token)

    def tell(self) -> None:
        """Hand over what is to be told. Returns at once."""
        if self._ended is not None:
            self._tell(self._ended, self._sinks, self._token)

    def _notes(self, **otherwise: str) -> Notes:
        if self._ended is None:
            return {}
        noted = self._ended.model_copy(update=otherwise)
        return dict.fromkeys(self._sinks, noted.model_dump_json().encode())


def no_callback(_claim: Claim, _token: str | None) -> Callback:
    """Give the callback of a task whose end is told to nobody but the service."""
    return Callback(None, (), None, tell=_nothing, wait=_nothing)


def _nothing(_ended: Ended, _sinks: Sequence[str], _token: str | None) -> None:
    """Stand in where there is nothing to tell."""


def wanted(claim: Claim) -> Ended | None:
    """Give what is to be told of a task as it begins, None where its client wants no callback."""
    channel = claim.payload.get("callbackChannel")
    if claim.kind not in NAMES or not isinstance(channel, str) or not channel:
        return None
    return Ended(
        task_id=claim.task_id,
        attempt=claim.attempt,
        kind=claim.kind,
        channel=channel,
        plain=claim.payload.get("callbackTemplate") == "plain",
        session_id=_text(claim.payload.get("sessionId")),
    )


def _text(value: JsonValue) -> str | None:
    return value if isinstance(value, str) and value else None


def _status(ending: Ending) -> str:
    if ending.reason in {"cancelled", "interrupted"}:
        return {"cancelled": "cancelled", "interrupted": "unknown"}[ending.reason]
    return "completed" if ending.exit_code == 0 else "failed"
