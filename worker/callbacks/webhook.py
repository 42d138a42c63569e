"""The sink ``webhook``: the end as JSON, signed by the rules of Standard Webhooks."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime

from pydantic import JsonValue

from worker.callbacks import pinning, posting
from worker.callbacks.ended import Ended
from worker.callbacks.pinning import Resolve

PREFIX = "whsec_"
MOST_OUTPUT = 64 * 1024
"""Characters of output, the last ones."""


class Webhook:
    """Posts to the one address that the owner of the machine has set, whatever a client names."""

    name = "webhook"

    def __init__(
        self,
        url: str,
        secret: str,
        *,
        private: bool = False,
        ca_file: str | None = None,
        resolve: Resolve = pinning.resolve,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """Sign with *secret*, ``whsec_`` and base64. *wall* gives the time, in seconds of the epoch."""
        self._url = url
        self._key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
        self._private = private
        self._ca_file = ca_file
        self._resolve = resolve
        self._wall = wall

    def refuses(self, _channel: str) -> str | None:
        """Take any channel."""
        return None

    def send(self, ended: Ended, _token: str | None) -> None:
        """Post the end; every try of one has the same ``webhook-id``. Raises ``NotSent``."""
        now = int(self._wall())
        body = json.dumps(_told(ended, now)).encode()
        headers = {
            "Content-Type": "application/json",
            "webhook-id": ended.id,
            "webhook-timestamp": str(now),
            "webhook-signature": f"v1,{self._signature(ended.id, now, body)}",
        }
        answer = pinning.post(
            self._url,
            body,
            headers=headers,
            private=self._private,
            ca_file=self._ca_file,
            resolve=self._resolve,
        )
        posting.judge(answer)

    def _signature(self, name: str, now: int, body: bytes) -> str:
        signed = hmac.new(self._key, f"{name}.{now}.".encode() + body, hashlib.sha256)
        return base64.b64encode(signed.digest()).decode()


def _told(ended: Ended, now: int) -> dict[str, JsonValue]:
    output = ended.output[-MOST_OUTPUT:]
    return {
        "type": "task.ended",
        "timestamp": datetime.fromtimestamp(now, UTC).isoformat().replace("+00:00", "Z"),
        "data": {
            "taskId": ended.task_id,
            "attempt": ended.attempt,
            "kind": ended.kind,
            "status": ended.status,
            "reason": ended.reason,
            "exitCode": ended.exit_code,
            "error": ended.error,
            "durationMs": ended.duration_ms,
            "sessionId": ended.session_id,
            "channel": ended.channel,
            "output": output.encode(errors="replace").decode(),
            "outputCut": ended.left_out or len(output) < len(ended.output),
        },
    }
