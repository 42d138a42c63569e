"""The digest of exactly what would run, and the text that tells a human the same."""

import hashlib
import json
import os
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from clawtrail.formats import canonical
from worker.describing import as_text
from worker.orders import Plan
from worker.policy.asked import Asked
from worker.policy.programs import Programs
from worker.policy.reaching import paths_in

MOST_FILES = 256
"""That a yes can be for; with more, nobody is asked."""

_MOST_FOLDERS = 8
_MOST_VALUE = 200


def of_text(text: str) -> str:
    """Give the SHA-256 of *text* in hexadecimal."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def digest(content: Mapping[str, object]) -> str:
    """Give the SHA-256 of the canonical JSON (RFC 8785) of *content* in hexadecimal.

    What has no such form (fractions, half characters) is taken as sorted ASCII JSON: it never leaves
    this machine, so it only has to be the same twice.
    """
    try:
        data = canonical.encode(content)
    except canonical.NotCanonical:
        data = json.dumps(content, sort_keys=True, separators=(",", ":")).encode("ascii")
    return hashlib.sha256(data).hexdigest()


def of_command(
    asked: Asked, plan: Plan, env: Mapping[str, str], programs: Programs, policy: str
) -> dict[str, object]:
    """Give what a command's digest is of; *env* maps names to digests of values."""
    return {
        "kind": asked.kind,
        "argv": list(plan.argv),
        "cwd": str(plan.cwd),
        "env": {**env, **{name: of_text(value) for name, value in (asked.env or {}).items()}},
        "stdin": hashlib.sha256(asked.stdin).hexdigest(),
        "executable": None if plan.program is None else str(plan.program),
        "executableSha256": None if plan.program is None else programs.digest(plan.program),
        "confines": None if plan.confines is None else plan.confines.told,
        "policy": policy,
    }


def of_other(asked: Asked, policy: str) -> dict[str, object]:
    """Give what the digest of any other task is of."""
    payload = json.dumps(asked.payload, sort_keys=True, separators=(",", ":"))
    path = None if asked.path is None else str(asked.path)
    real = None if asked.path is None else os.path.realpath(asked.path)
    return {"kind": asked.kind, "path": path, "realPath": real, "payload": of_text(payload), "policy": policy}


def files_named(words: tuple[str, ...], cwd: Path, programs: Programs) -> dict[str, str | None]:
    """Give the digests of the files that *words* name: a script that is run is one of them.

    A guess where a shell makes paths of words: it knows ``~`` and ``$HOME``, and looks in each folder that is
    named (``cd FOLDER && sh SCRIPT``). With more than ``MOST_FILES`` it stops.
    """
    places = dict.fromkeys(path for word in words if len(word) < 4096 for path in _named_by(word))
    inner = (cwd / path for path in places if os.path.isdir(cwd / path))  # noqa: PTH112 - a Path raises for long names
    folders = [cwd, *inner][:_MOST_FOLDERS]
    named: dict[str, str | None] = {}
    for path in places:
        for folder in folders:
            found = programs.digest(folder / path)
            if found is not None:
                named[str(folder / path)] = found
            if len(named) > MOST_FILES:
                return named
    return named


def _named_by(word: str) -> Iterator[str]:
    home = str(Path.home())
    for path in paths_in(word):
        if "\0" not in path:
            yield re.sub(r"\A(~|\$HOME|\$\{HOME\})(?=/|\Z)", lambda _: home, path)


def describe(asked: Asked, plan: Plan | None, why: str, files: Mapping[str, str | None]) -> str:
    """Say in at most 4,000 characters what would run, where, and who asked for it.

    Control characters are shown as escapes; what is too long says first that it is not shown whole.
    """
    lines = [asked.whose]
    if plan is not None:
        text = f"shell   {asked.text}" if asked.text is not None else f"run     {shlex.join(plan.argv)}"
        lines += [text, f"folder  {plan.cwd}", f"program {plan.program or 'not found in a safe folder'}"]
        lines.append(f"sandbox {plan.confines or 'none'}")
        lines += [f"env     {name}={_short(value)}" for name, value in sorted((asked.env or {}).items())]
        if asked.stdin:
            shown = _short(asked.stdin.decode(errors="replace"))
            lines.append(f"input   {len(asked.stdin)} bytes: {shown}")
        lines += [f"file    {path} ({found})" for path, found in files.items()]
    else:
        if asked.path is not None:
            lines.append(f"path    {asked.path}")
        lines += [f"{name}: {_short(json.dumps(value))}" for name, value in sorted(asked.payload.items())]
    return as_text([*lines, f"why     {why}"])


def _short(value: str) -> str:
    return value if len(value) <= _MOST_VALUE else f"{value[:_MOST_VALUE]}... ({len(value)} characters)"
