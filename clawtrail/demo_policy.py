"""The policy of the quick start's worker: commands start in a folder made for trying things out."""

from __future__ import annotations

import json
import os
from pathlib import Path

FOLDER = "demo"
FILE = "policy.toml"


def write(data: Path) -> Path:
    """Write the policy into the *data* folder, unless one is there, with its demo folder; give its file."""
    demo, file = data / FOLDER, data / FILE
    demo.mkdir(mode=0o700, exist_ok=True)
    beside = file.with_suffix(".new")
    if not file.exists():
        beside.unlink(missing_ok=True)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            stream.write(_text(demo))
        beside.replace(file)
    return file


def _text(demo: Path) -> str:
    # A TOML string is written as JSON writes one; what a pattern would read as special is put in brackets.
    literal = "".join(f"[{one}]" if one in "*?[" else one for one in str(demo))
    folder, tree = json.dumps(str(demo)), json.dumps(f"{literal}/**")
    return f"""\
# The policy of a trial worker: it allows any command that starts in the demo folder, and files in there.
# A command that starts there can still reach what your user can reach. For a worker that others may use,
# write a careful policy: clawtrail policy init. docs/policy.md explains every key.

default = "ask"
cwd = {folder}   # where a command runs that names no folder

[[rule]]
name = "commands of the demo folder"
verdict = "allow"
kinds = ["command"]
cwd = [{tree}]
env = ["*"]
stdin = true
shell = true

[[rule]]
name = "files of the demo folder"
verdict = "allow"
kinds = ["file-read", "file-write", "file-edit"]
paths = [{tree}]
"""
