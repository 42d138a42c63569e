"""A program that plays ``claude`` with hooks: for each line of its prompt it uses a tool, if the hook agrees.

As with the real one, exit code 2 of a hook blocks, a decision on its output counts with exit code 0, and any
other exit code does not block. A line is the name of a tool, and what it is given.
"""

import json
import subprocess
import sys
from pathlib import Path

ARGUMENTS = sys.argv[1:]


def say(**event: object) -> None:
    """Write one event of the stream."""
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def hooked(number: int, tool: str, given: dict[str, str]) -> str:
    """Run the hook, and say what came of it."""
    settings = json.loads(Path(ARGUMENTS[ARGUMENTS.index("--settings") + 1]).read_text())
    [entry] = settings["hooks"]["PreToolUse"]
    [hook] = entry["hooks"]
    event = {"hook_event_name": "PreToolUse", "tool_name": tool, "tool_input": given}
    done = subprocess.run(
        ["/bin/sh", "-c", hook["command"]],
        input=json.dumps({**event, "tool_use_id": f"toolu_{number}", "cwd": str(Path.cwd())}),
        capture_output=True,
        text=True,
        timeout=hook["timeout"],
        check=False,
    )
    if done.returncode == 2:
        return f"blocked: {done.stderr.strip()}"
    if done.returncode or not done.stdout:
        return "done unasked"
    told = json.loads(done.stdout)["hookSpecificOutput"]
    did = "done" if told["permissionDecision"] == "allow" else "not done"
    return f"{did}: {told['permissionDecisionReason']}"


def main() -> None:
    """Use the tools of the prompt, and answer with what came of each."""
    say(type="system", subtype="init", session_id="00000000-0000-4000-8000-000000000000", model="stand-in-1")
    came = []
    for number, line in enumerate(sys.stdin.read().splitlines()):
        tool, _, command = line.partition(" ")
        block = {"type": "tool_use", "id": f"toolu_{number}", "name": tool, "input": {"command": command}}
        say(type="assistant", message={"content": [block]}, parent_tool_use_id=None)
        came.append(hooked(number, tool, {"command": command}))
    say(type="result", subtype="success", is_error=False, result="\n".join(came), num_turns=1)


if __name__ == "__main__":
    main()
