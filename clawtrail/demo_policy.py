"""The policy of the quick start's worker: commands run in a sandbox, in a folder for trying out."""

from __future__ import annotations

import json
import os
from pathlib import Path

FOLDER = "demo"
FILE = "policy.toml"
SANDBOX = "no-network"


def write(data: Path, *, sandboxed: bool) -> None:
    """Write the policy into the *data* folder, with its demo folder.

    *sandboxed* says whether this machine has the sandbox. A policy that is there is left alone, unless it is
    the one that we wrote for the other case.
    """
    demo, file = data / FOLDER, data / FILE
    demo.mkdir(mode=0o700, exist_ok=True)
    wanted, other = (_text(demo, sandboxed=one) for one in (sandboxed, not sandboxed))
    if not file.exists() or file.read_bytes() == other.encode():
        beside = file.with_suffix(".new")
        beside.unlink(missing_ok=True)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            stream.write(wanted)
        beside.replace(file)


def _text(demo: Path, *, sandboxed: bool) -> str:
    # A TOML string is written as JSON writes one; what a pattern would read as special is put in brackets.
    literal = "".join(f"[{one}]" if one in "*?[" else one for one in str(demo))
    folder, root, tree = (json.dumps(text) for text in (str(demo), literal, f"{literal}/**"))
    commands = _SANDBOXED if sandboxed else _WITHOUT
    return commands.format(folder=folder, root=root, tree=tree) + _FILES.format(tree=tree)


_SANDBOXED = """\
# The policy of a trial worker: any command that starts in the demo folder may run, in a sandbox. It sees the
# system's programs and the demo folder, can change files in the demo folder alone, and has no network.
# For a worker that others may use, write a careful policy: clawtrail policy init. docs/policy.md explains
# every key, docs/sandbox.md what the sandbox does not keep out.

default = "ask"
cwd = {folder}   # where a command runs that names no folder

[limits]
processes = 512
files = 4096
file_size = 1024       # MB

[[rule]]
name = "commands of the demo folder"
verdict = "allow"
kinds = ["command"]
cwd = [{tree}]
sandbox = "no-network"
workspace = [{root}]
env = ["*"]
stdin = true
shell = true
"""

_WITHOUT = """\
# NO SANDBOX WORKS ON THIS MACHINE, so this policy of a trial worker allows hardly any command: those of the
# rule below, which only look, and files in the demo folder. `clawtrail policy sandboxes` says why there is no
# sandbox. When there is one (on Debian: sudo apt install bubblewrap), the next `make run` or `clawtrail up`
# puts a policy here that allows any command in it, as long as nobody has changed this file.
# To go on without one, and let every command do what your user can: clawtrail policy init --allow-all.

default = "deny"
cwd = {folder}   # where a command runs that names no folder

[shell]
verdict = "deny"

[[rule]]
name = "looking around"
verdict = "allow"
argv = ["uname|date|hostname|uptime|id|pwd|true"]
match = ["date"]

[[rule]]
name = "the system's name"
verdict = "allow"
argv = ["uname", "-*"]
match = ["uname -a"]

[[rule]]
name = "words back"
verdict = "allow"
argv = ["echo", "**"]
"""

_FILES = """
[[rule]]
name = "files of the demo folder"
verdict = "allow"
kinds = ["file-read", "file-write", "file-edit"]
paths = [{tree}]
"""
