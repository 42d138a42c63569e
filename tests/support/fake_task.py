"""One task as the stand-in for the service keeps it."""

from dataclasses import dataclass, field

from tests.support.fake_http import Json


@dataclass
class FakeTask:
    """One task as the stand-in keeps it; ``outputs`` holds the bytes of each stream by offset."""

    id: str
    kind: str
    payload: Json
    timeout: int
    state: str = "pending"
    attempt: int = 0
    lease: str = ""
    lease_until: float = 0.0
    cancel: bool = False
    outputs: dict[str, dict[int, bytes]] = field(default_factory=lambda: {"stdout": {}, "stderr": {}})
    results: list[Json] = field(default_factory=list)
    verdicts: list[Json] = field(default_factory=list)
    approval: Json | None = None
    callback_token: str | None = None
    refusal: str | None = None

    def read(self, stream: str) -> bytes:
        """Give what was told of *stream*, in the order of offsets."""
        return b"".join(data for _, data in sorted(self.outputs[stream].items()))

    @property
    def stdout(self) -> bytes:
        """Everything told of stdout."""
        return self.read("stdout")

    @property
    def result(self) -> Json:
        """The first result that was told."""
        return self.results[0]
