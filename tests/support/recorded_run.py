"""A run that keeps what its executor writes, and stops it when a test says so."""

from collections.abc import Callable
from secrets import token_hex

from pydantic import JsonValue

from worker.items import Ending
from worker.masking.streams import SHAPES_ALONE, Masking, Shown
from worker.orders import Decision, Order
from worker.output import StreamName


class RecordedRun:
    """Stands for a live run in tests of executors."""

    def __init__(
        self,
        stop: Callable[["RecordedRun"], Ending | None] = lambda _run: None,
        masking: Masking = SHAPES_ALONE,
    ) -> None:
        """Ask *stop* at each pulse how the run is to end."""
        self.masking = masking
        self.written: dict[StreamName, bytearray] = {"stdout": bytearray(), "stderr": bytearray()}
        self.tools: list[tuple[str, str]] = []
        self.verdicts: list[str | None] = []
        self.asked: list[tuple[str, str, str]] = []
        self.answer: Callable[[str], Decision] = lambda _describe: Decision(
            allowed=False, why="nobody is here"
        )
        self._stop = stop

    @property
    def stdout(self) -> bytes:
        """What was written to stdout."""
        return bytes(self.written["stdout"])

    @property
    def stderr(self) -> bytes:
        """What was written to stderr."""
        return bytes(self.written["stderr"])

    def write(self, stream: StreamName, data: bytes, *, masked: int | None = None) -> None:
        """Keep output."""
        self.written[stream] += data

    def used_tool(self, tool: str, said: str, verdict: str | None = None) -> None:
        """Keep the use of a tool, and what was decided on it."""
        self.tools.append((tool, said))
        self.verdicts.append(verdict)

    def ask(self, rule: str, digest: str, describe: str) -> Decision:
        """Keep the question, and answer as the test says."""
        self.asked.append((rule, digest, describe))
        return self.answer(describe)

    def hide(self, value: JsonValue) -> JsonValue:
        """Mask *value*."""
        return self.masking.json(value)[0]

    def show(self, data: bytes) -> Shown:
        """Mask *data*."""
        return self.masking.show(data)

    def digest(self, descriptor: int) -> str | None:
        """Give the digest of an open file, if it may be told."""
        return self.masking.digest(descriptor)

    def pulse(self) -> Ending | None:
        """Say how the run is to end, if it has to."""
        return self._stop(self)


def order(timeout_ms: int = 10000, **payload: object) -> Order:
    """Make an order with this payload; its id is its own, for the mark that its processes carry."""
    return Order(f"task-{token_hex(4)}", payload, timeout_ms)  # type: ignore[arg-type]
