"""The folder of a quick start: database, logs, and two generated tokens that only the owner can read."""

from __future__ import annotations

import os
import secrets
import subprocess
from dataclasses import dataclass
from pathlib import Path

from clawtrail.errors import ClawtrailError
from clawtrail.supervising import program


class FolderFailed(ClawtrailError):
    """The folder cannot be made, or one of our own commands refused to work on it; *status* is our own."""

    def __init__(self, sentence: str, *, status: int = 1) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True, slots=True)
class DataFolder:
    """Where everything of one quick start lies; *path* is absolute."""

    path: Path

    @property
    def database(self) -> Path:
        """The database file."""
        return self.path / "clawtrail.db"

    @property
    def client_token(self) -> Path:
        """The file with the client's token."""
        return self.path / "client.token"

    @property
    def worker_token(self) -> Path:
        """The file with the worker's token."""
        return self.path / "worker.token"

    def prepare(self) -> None:
        """Make the folder, the database and the tokens where they are missing; keeps what is there.

        Raises ``FolderFailed`` with the words of whatever refused.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.chmod(0o700)
        except OSError as error:
            raise FolderFailed(f"The data folder {self.path} cannot be used: {error.strerror}.") from None
        if not self.database.exists():
            # Tokens are kept, hashed, in the database: those of a lost one open nothing.
            self.client_token.unlink(missing_ok=True)
            self.worker_token.unlink(missing_ok=True)
        _clawtrail("migrate", "--data", str(self.path))
        self._ensure_token(self.client_token, role="client", name="quickstart")
        self._ensure_token(self.worker_token, role="worker", name="quickstart-worker")

    def _ensure_token(self, file: Path, *, role: str, name: str) -> None:
        """Write beside the file, then rename: a file with half a token never stands there."""
        if file.is_file() and file.stat().st_size:
            return
        try:
            token = self._new_token(role, name)
        except FolderFailed:
            # Names are used once, and an earlier start may have been cut off after its token was made.
            token = self._new_token(role, f"{name}-{secrets.token_hex(2)}")
        beside = file.with_suffix(".new")
        beside.unlink(missing_ok=True)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            stream.write(token + "\n")
        beside.replace(file)

    def _new_token(self, role: str, name: str) -> str:
        return _clawtrail("token", "new", "--data", str(self.path), "--role", role, "--name", name).strip()


def _clawtrail(*arguments: str) -> str:
    """Run one of our own commands and return what it printed; raises ``FolderFailed`` with its complaint."""
    command, environment = program(arguments)
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        complaint = done.stderr.strip() or f"exit code {done.returncode}"
        raise FolderFailed(f"clawtrail {arguments[0]} failed: {complaint}", status=done.returncode)
    return done.stdout
