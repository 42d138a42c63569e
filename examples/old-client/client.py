"""A client as one for openclaw-worker is written: plain HTTP, one shared token, nothing of Clawtrail.

WORKER_URL=http://127.0.0.1:3456 WORKER_TOKEN=... python examples/old-client/client.py 'uname -a'
WORKER_URL=... WORKER_TOKEN=... python examples/old-client/client.py --edit FILE OLD NEW
"""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from typing import Any

WAIT_MS = 60_000


def call(method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Send one request and return the JSON of its answer."""
    request = urllib.request.Request(  # noqa: S310 - the address is the user's own
        os.environ["WORKER_URL"] + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {os.environ['WORKER_TOKEN']}",
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=WAIT_MS / 1000 + 10) as answer:  # noqa: S310
        told: dict[str, Any] = json.load(answer)
    return told


def is_finished(result: dict[str, Any]) -> bool:
    """Decide as old clients do: by a ``stdout``, an ``error``, or a status that is neither of the two."""
    known = result.get("status") in ("pending", "running")
    return "stdout" in result or bool(result.get("error")) or not known


def finish(path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Submit a task and poll until its result is there."""
    task_id = call("POST", path, body)["taskId"]
    while True:
        result = call("GET", f"/tasks/{task_id}?wait={WAIT_MS}")
        if is_finished(result):
            return result


def main(words: list[str]) -> int:
    """Run a command, or read, edit and read a file; print what comes back."""
    if words[:1] == ["--edit"]:
        path, old, new = words[1:]
        results = [
            finish("/files/write", {"path": path, "content": f"{old}\n"}),
            finish("/files/edit", {"path": path, "old_string": old, "new_string": new}),
            finish("/files/read", {"path": path}),
        ]
    else:
        results = [finish("/tasks", {"command": " ".join(words), "timeout": 30_000})]
    sys.stdout.write(results[-1]["stdout"])
    sys.stderr.write(results[-1]["stderr"])
    return max(int(result["exitCode"]) for result in results)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
