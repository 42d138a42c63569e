"""What a task asks for, as the policy sees it: read once, resolved, and not changed any more."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue, ValidationError

from worker.executors.command import Payload
from worker.executors.paths import FileTrouble, resolve
from worker.policy.plain import words_of

FILE_KINDS = ("file-read", "file-write", "file-edit")
_MOST_CHARACTERS = 32 * 1024


class NotUnderstood(Exception):
    """The payload is none that its kind takes: the executor, which reads it alike, runs nothing."""


@dataclass(frozen=True)
class Asked:
    """One task. *words* are those of argv, or of text that is one plain command; else None."""

    kind: str
    origin: str
    payload: Mapping[str, JsonValue]
    words: tuple[str, ...] | None = None
    text: str | None = None
    cwd: Path | None = None
    env: Mapping[str, str] | None = None
    stdin: bytes = b""
    secrets: tuple[str, ...] = ()
    path: Path | None = None

    @property
    def is_ordinary(self) -> bool:
        """No control characters and no excess of length in what would run: else no rule allows it."""
        words = self.words or ()
        return sum(map(len, words)) <= _MOST_CHARACTERS and all(word.isprintable() for word in words)


def read(
    kind: str, payload: Mapping[str, JsonValue], origin: str | None, *, home_folder: Path | None = None
) -> Asked:
    """Read one task; *home_folder* is where commands run that name no folder. Raises ``NotUnderstood``.

    What else it raises is a fault of this code, and ends in a refusal.
    """
    try:
        if kind == "command":
            return _command(payload, origin or "", home_folder or Path.home())
        if kind in FILE_KINDS:
            return Asked(kind, origin or "", payload, path=_normal(payload.get("path")))
    except (ValidationError, FileTrouble) as error:
        raise NotUnderstood(str(error)) from error
    return Asked(kind, origin or "", payload)


def _command(payload: Mapping[str, JsonValue], origin: str, home_folder: Path) -> Asked:
    given = Payload.model_validate(payload)
    cwd = home_folder if given.cwd is None else resolve(given.cwd)
    return Asked(
        "command",
        origin,
        payload,
        words=tuple(given.argv) if given.argv else words_of(given.command or ""),
        text=given.command,
        cwd=_single(os.path.realpath(cwd)),
        env=given.env,
        secrets=given.secrets,
        stdin=given.stdin.encode(errors="surrogatepass"),
    )


def _normal(path: JsonValue) -> Path:
    if not isinstance(path, str):
        raise NotUnderstood("path: not a text")
    return _single(os.path.normpath(resolve(path)))


def _single(path: str) -> Path:
    """POSIX lets two slashes at the beginning stand, and a rule would not know such a path again."""
    return Path("/" + path.lstrip("/"))
