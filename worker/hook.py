"""The program that Claude Code runs before it uses a tool: it asks the worker by its private socket.

It stands alone and needs the standard library only, since it is started for every use of a tool.

Facts (the hooks reference at code.claude.com): a PreToolUse hook gets ``tool_name``, ``tool_input`` and
``tool_use_id`` as JSON on its input. It decides by ``hookSpecificOutput.permissionDecision`` on its output
with exit code 0, and blocks with exit code 2. Any other exit code does not block, so whatever goes wrong here
ends with 2; the shell that starts it (see ``asking``) makes a 2 of every other end.
"""

import json
import socket
import sys
from pathlib import Path

LONGEST_S = 32 * 60
_BLOCKED = 2


def ask(folder: Path, event: object) -> dict[str, str] | None:
    """Put *event* to the worker whose socket is in *folder*; None when it has nothing to say about it."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(LONGEST_S)
        line.connect(str(folder / "worker.sock"))
        said = {"secret": (folder / "secret").read_text(encoding="ascii"), "event": event}
        line.sendall(json.dumps(said).encode("ascii") + b"\n")
        with line.makefile("rb") as heard:
            answer = json.loads(heard.readline())
    decision, why = answer["decision"], str(answer["why"])
    if decision is None:
        return None
    if decision not in {"allow", "deny"}:
        raise ValueError(f"the worker said {decision!r}")
    return {
        "hookEventName": "PreToolUse",
        "permissionDecision": decision,
        "permissionDecisionReason": why,
    }


def main() -> int:
    """Ask about the event on standard input; 0 with the answer on standard output, else 2."""
    try:
        answer = ask(Path(sys.argv[1]), json.load(sys.stdin))
    except (OSError, ValueError, LookupError, TypeError) as error:
        sys.stderr.write(f"Nobody could be asked whether this is allowed: {error}\n")
        return _BLOCKED
    if answer is not None:
        sys.stdout.write(json.dumps({"hookSpecificOutput": answer}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
