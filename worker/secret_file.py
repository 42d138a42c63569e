"""The file of this machine's secrets: names and values, for its owner's eyes alone."""

import json
import os
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from secrets import token_hex

from worker.errors import SecretsFaulty
from worker.references import NAME

MOST_CHARACTERS = 16 * 1024
_HEAD = """\
# Secrets of this machine, as `clawtrail secrets set` writes them: a name and a value each. The command keeps
# no comments but these two lines. docs/secrets.md tells more.
"""


def read(file: Path) -> dict[str, str]:
    """Read *file*.

    Raises ``SecretsFaulty`` where others may read it or it is not as it should be, and ``OSError``.
    """
    with file.open("rb") as opened:
        status = os.fstat(opened.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.getuid():
            raise SecretsFaulty(f"{file} is not a file of this user")
        if status.st_mode & 0o077:
            raise SecretsFaulty(f"others can read or write {file}; chmod 600 {file}")
        data = opened.read()
    return _checked(file, data)


def write(file: Path, values: Mapping[str, str]) -> None:
    """Put *values* in the place of *file*, whole or not at all. Raises ``OSError``."""
    lines = [f"{name} = {_quoted(values[name])}\n" for name in sorted(values)]
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = file.with_name(f".{file.name}-{token_hex(8)}.tmp")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(_HEAD + "".join(lines))
            opened.flush()
            os.fsync(descriptor)
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)


def fault_of(value: object) -> str | None:
    """Say what keeps *value* from being a secret."""
    if not isinstance(value, str) or not value:
        return "its value is not a text, or empty"
    if "\0" in value:
        return "no program can be given a value with NUL in it"
    if len(value) > MOST_CHARACTERS:
        return f"its value is longer than {MOST_CHARACTERS} characters"
    return None


def _checked(file: Path, data: bytes) -> dict[str, str]:
    # What is wrong is told without the text around it, which may be a value.
    try:
        read = tomllib.loads(data.decode())
    except UnicodeDecodeError:
        raise SecretsFaulty(f"{file} is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        place = str(error).rpartition("(")[2].rstrip(")")
        raise SecretsFaulty(f'{file} is not made of lines such as name = "value" ({place})') from None
    for name, value in read.items():
        if not NAME.fullmatch(name):
            raise SecretsFaulty(f"{file}: {name!r} is no name: letters, digits, '_' and '-', 64 at most")
        if (fault := fault_of(value)) is not None:
            raise SecretsFaulty(f"{file}, {name}: {fault}")
    return read


def _quoted(value: str) -> str:
    """Write a text of TOML; JSON writes the same, but for one character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
