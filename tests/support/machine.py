"""A worker played by hand: it says exactly what a test lets it say, and runs nothing."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any

from werkzeug.test import TestResponse

from tests.support.service import Caller

Json = dict[str, Any]
KINDS = ("command", "file-read", "file-write", "file-edit")


@dataclass
class Machine:
    """One machine with one worker session; it remembers the leases that it holds and lists them."""

    caller: Caller
    session: str = "first-life"
    kinds: tuple[str, ...] = KINDS
    labels: tuple[str, ...] = ()
    leases: list[str] = field(default_factory=list)

    @property
    def id(self) -> str:
        """The machine's name: its token's."""
        return self.caller.person.name

    def ask(self, **said: Any) -> TestResponse:  # noqa: ANN401 - any field of a sync
        """Sync; *said* overrides what it would say by itself."""
        body = {
            "workerId": self.id,
            "session": self.session,
            "kinds": self.kinds,
            "labels": self.labels,
            "leases": self.leases,
            "version": "1",
        }
        return self.caller.post("/worker/sync", {**body, **said})

    def sync(self, **said: Any) -> Json:  # noqa: ANN401 - any field of a sync
        """Sync and return the answer; what was claimed is held from then on."""
        response = self.ask(**said)
        assert response.status_code == 200, response.text
        told: Json = response.get_json()
        self.leases += [claim["lease"] for claim in told["tasks"]]
        return told

    def claim(self) -> Json:
        """Claim one task and return the claim."""
        (claimed,) = self.sync(free=1)["tasks"]
        return dict(claimed)

    def tell(self, *items: Json, **said: Any) -> TestResponse:  # noqa: ANN401 - any field of a report
        """Report *items*."""
        body = {"workerId": self.id, "session": self.session, "items": items}
        return self.caller.post("/worker/report", {**body, **said})

    def report(self, *items: Json, **said: Any) -> list[Json]:  # noqa: ANN401 - any field of a report
        """Report *items* and return the answer to each."""
        response = self.tell(*items, **said)
        assert response.status_code == 200, response.text
        results: list[Json] = response.get_json()["results"]
        return results

    def start(self) -> Json:
        """Claim one task, confirm its start, and return the claim."""
        claimed = self.claim()
        (answer,) = self.report(start(claimed))
        assert answer["ok"], answer
        return claimed

    def run(self, stdout: str = "", exit_code: int = 0) -> Json:
        """Take one task to its end and return its claim."""
        claimed = self.start()
        (answer,) = self.report(result(claimed, exit_code, stdout=stdout))
        assert answer["ok"], answer
        self.leases.remove(claimed["lease"])
        return claimed


def start(claimed: Json) -> Json:
    """Return the item that confirms a start."""
    return {"type": "start", "lease": claimed["lease"]}


def output(claimed: Json, offset: int, data: bytes, stream: str = "stdout") -> Json:
    """Return the item with a piece of output."""
    text = b64encode(data).decode()
    return {"type": "output", "lease": claimed["lease"], "stream": stream, "offset": offset, "data": text}


def result(claimed: Json, exit_code: int = 0, **more: Any) -> Json:  # noqa: ANN401 - any field of a result
    """Return the item that ends an attempt."""
    return {"type": "result", "lease": claimed["lease"], "exitCode": exit_code, **more}
