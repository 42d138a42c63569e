"""A worker as openclaw-worker's was: polls, runs shell commands, sends results; no leases, no stream.

It shows that such workers go on working. Use `clawtrail worker` for anything real.

    WORKER_URL=http://127.0.0.1:3456 WORKER_TOKEN=... python examples/old-client/worker.py [TASKS]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from typing import Any

POLL_MS = int(os.environ.get("LONG_POLL_WAIT", "30000"))


def call(method: str, path: str, body: dict[str, Any] | None = None) -> Any:  # noqa: ANN401 - JSON
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
    with urllib.request.urlopen(request, timeout=POLL_MS / 1000 + 10) as answer:  # noqa: S310
        return json.load(answer)


def run(task: dict[str, Any]) -> dict[str, Any]:
    """Run a command task in a shell and return what is to be reported."""
    if "type" in task:
        return {"exitCode": 1, "stdout": "", "stderr": "", "error": f"Not here: {task['type']}"}
    try:
        done = subprocess.run(  # noqa: S602 - a shell is what a command task asks for
            task["command"],
            shell=True,
            capture_output=True,
            text=True,
            check=False,
            timeout=task["timeout"] / 1000,
        )
    except subprocess.TimeoutExpired:
        return {"exitCode": 124, "stdout": "", "stderr": "", "error": "timeout"}
    return {"exitCode": done.returncode, "stdout": done.stdout, "stderr": done.stderr, "error": None}


def main(words: list[str]) -> int:
    """Do as many tasks as *words* says, or go on for ever."""
    left = int(words[0]) if words else -1
    while left != 0:
        task = call("GET", f"/worker/poll?wait={POLL_MS}")
        if task is None:
            continue
        call("POST", "/worker/result", {"taskId": task["id"], **run(task)})
        left -= 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
