"""The run that an executor sees: its output, its questions, and whether it has to stop."""

from collections.abc import Callable

from pydantic import JsonValue

from worker import items
from worker.asking import Asker
from worker.callbacks.callback import Callback
from worker.items import Ending
from worker.leases import Held
from worker.masking.streams import Masking, Shown
from worker.orders import Decision
from worker.output import Capture, StreamName

CANCELLED = Ending(-1, "Cancelled", "cancelled")
LEASE_LOST = Ending(-1, "Stopped: the lease ended, so the service no longer counts on this run", "failed")
SHUT_DOWN = Ending(-1, "Stopped: the worker was shut down", "failed")


class LiveRun:
    """What the service, people and the chat hear of a run goes through it, masked."""

    def __init__(
        self,
        held: Held,
        capture: Capture,
        *,
        masking: Callable[[], Masking],
        killed: Callable[[], bool],
        asker: Asker,
        policy_hash: str,
        callback: Callback,
    ) -> None:
        self._held = held
        self._capture = capture
        self._masking = masking
        self._killed = killed
        self._asker = asker
        self._policy_hash = policy_hash
        self._callback = callback
        self._uses = 0
        self.over = False

    def write(self, stream: StreamName, data: bytes, *, masked: int | None = None) -> None:
        """Take in output; the chat is told of stdout alone."""
        self._capture.add(stream, data, masked=masked)
        if stream == "stdout":
            self._callback.hear(data)

    def show(self, data: bytes) -> Shown:
        """Mask *data*, which is whole."""
        return self._masking().show(data)

    def digest(self, descriptor: int) -> str | None:
        """Give the digest of what is left to read of an open file, None where it would tell a secret."""
        return self._masking().digest(descriptor)

    def hide(self, value: JsonValue) -> JsonValue:
        """Mask every text in *value*."""
        hidden, count = self._masking().json(value)
        self._capture.count_masked(count)
        return hidden

    def used_tool(self, tool: str, said: str, verdict: str | None = None) -> None:
        """Put the use of a tool on the record."""
        self._uses += 1
        said = self._masking().text(said)
        self._capture.note(items.tool_used(self._held.claim.lease, self._uses, tool, said, verdict))

    def ask(self, rule: str, digest: str, describe: str) -> Decision:
        """Ask people, and wait for their answer."""
        lease, policy_hash = self._held.claim.lease, self._policy_hash
        describe = self._masking().text(describe)
        item = items.question(lease, rule=rule, digest=digest, policy_hash=policy_hash, describe=describe)
        return self._asker.ask(item, is_over=lambda: self.over or self._stop() is not None)

    def pulse(self) -> Ending | None:
        """Stream what is due, and tell how the run is to end if it has to be stopped now."""
        self._capture.flush()
        return self._stop()

    def _stop(self) -> Ending | None:
        if self._held.cancelled:
            return CANCELLED
        if self._held.gone():
            return LEASE_LOST
        return SHUT_DOWN if self._killed() else None
