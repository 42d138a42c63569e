"""Three rounds of one conversation with Claude Code, with a person's word before each; see README.md.

    python rounds.py FILE

FILE keeps how far it is: run the same line again after a crash, and it goes on.
"""

from __future__ import annotations

import json
import sys
import uuid
from pathlib import Path
from typing import TypedDict

from clawtrail import ClawtrailError, Client

ROUNDS = (
    ("What is to be done?", "Make a plan, and change nothing yet. The task: {said}"),
    ("What should be different in this plan?", "Carry the plan out, with this in mind: {said}"),
    ("What should be looked at again?", "Look at it again: {said}. Then sum up all changes."),
)


class Kept(TypedDict):
    """What the file holds: the conversation, and what the person said so far."""

    session: str
    said: list[str]


def load(file: Path) -> Kept:
    """Return what was kept, or the beginning of a new conversation."""
    if file.exists():
        kept: Kept = json.loads(file.read_text(encoding="utf-8"))
        return kept
    return {"session": str(uuid.uuid4()), "said": []}


def save(file: Path, kept: Kept) -> None:
    """Write the file whole or not at all."""
    beside = file.with_suffix(".new")
    beside.write_text(json.dumps(kept), encoding="utf-8")
    beside.replace(file)


def main(file: Path) -> int:
    """Go through the rounds. One that was sent before is not run again: its answer is on the record."""
    kept = load(file)
    with Client() as client:
        for number, (question, prompt) in enumerate(ROUNDS, start=1):
            if len(kept["said"]) < number:
                kept["said"].append(input(f"{question} "))
                save(file, kept)  # before it is sent: whoever comes after a crash sends the same
            reply = client.ask_claude(
                prompt.format(said=kept["said"][number - 1]),
                session_id=kept["session"],
                idempotency_key=f"{kept['session']}-{number}",
                timeout=1800,
                max_cost_usd=1.0,
                check=True,
            )
            print(f"\n--- round {number} of {len(ROUNDS)} ---\n{reply.text}\n", flush=True)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1])))
    except (ClawtrailError, EOFError) as error:
        sys.exit(f"Stopped: {error}. Run it again to go on.")
