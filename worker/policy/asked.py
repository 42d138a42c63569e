"""What a task asks for, as the policy sees it: read once, resolved, and not changed any more."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
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
    """One task. *words* are those of argv, or of text that is one plain command; else None.

    *origin* is who submitted it, as the server says; *signer* the trusted key that signed it.
    """

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
    signer: str | None = None

    @property
    def whose(self) -> str:
        """What it is and who wants it, for people."""
        signed = "" if self.signer is None else f", signed by {self.signer}"
        return f"{self.kind}, asked for by {self.origin or 'nobody known'}{signed}"

    @property
    def is_ordinary(self) -> bool:
        """No control characters and no excess of length in what would run: else no rule allows it."""
        words = self.words or ()
        return sum(map(len, words)) <= _MOST_CHARACTERS and all(word.isprintable() for word in words)


def read(
    kind: str,
    payload: Mapping[str, JsonValue],
    origin: str | None,
    signer: str | None = None,
    *,
    home_folder: Path | None = None,
) -> Asked:
    """Read one task; *home_folder* is where commands run that name no folder. Raises ``NotUnderstood``.

    What else it raises is a fault of this code, and ends in a refusal.
    """
    asked = Asked(kind, origin or "", payload, signer=signer)
    try:
        if kind == "command":
            return _command(asked, home_folder or Path.home())
        if kind in FILE_KINDS:
            return replace(asked, path=_normal(payload.get("path")))
    except (ValidationError, FileTrouble) as error:
        raise NotUnderstood(str(error)) from error
    return asked


def _command(asked: Asked, home_folder: Path) -> Asked:
    given = Payload.model_validate(asked.payload)
    cwd = home_folder if given.cwd is None else resolve(given.cwd)
    return replace(
        asked,
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
