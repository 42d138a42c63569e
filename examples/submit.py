"""Runs a command, follows a longer one, and changes a file, all with the Python client.

Needs CLAWTRAIL_URL and CLAWTRAIL_TOKEN (or CLAWTRAIL_TOKEN_FILE) of a client:

    python examples/submit.py /tmp/clawtrail-example.txt
"""

from __future__ import annotations

import sys

from clawtrail import Client, TaskFailed


def main(path: str) -> int:
    """Do one of each and print what comes back; *path* is a file on the worker's machine."""
    with Client() as client:
        result = client.run("uname -s", tags=["example"])
        print("command:", result.stdout.strip(), "exit", result.exit_code)

        task = client.submit(argv=["sh", "-c", "echo one; sleep 0.2; echo two"], timeout=10)
        for chunk in client.output(task.task_id, stream="stdout"):
            print("output:", chunk.data.decode().split())
        print("state:", client.wait(task.task_id).state)

        client.write_file(path, "colour = red\n")
        edited = client.edit_file(path, "red", "blue")
        print("diff:", str(edited.metadata["diff"]).splitlines()[-1])
        print("file:", client.read_file(path).decode().strip())

        try:
            client.edit_file(path, "green", "grey")
        except TaskFailed as failed:
            print("refused:", failed.result.error)

        for event in client.history(task.task_id):
            print("record:", event.type, "by", event.actor)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
