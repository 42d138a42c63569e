"""Files of keys, beside the database and for its owner alone; above all the one that signs checkpoints."""

from __future__ import annotations

import os
import secrets
import stat
from hashlib import sha256
from pathlib import Path

from clawtrail.formats.notes import BadKey, Signer


class KeyUnusable(Exception):
    """The key file cannot be used as it is; the message says what to do."""


def key_path(database: Path) -> Path:
    """Return where the key of the record in *database* lies."""
    return database.with_suffix(".key")


def ensure(path: Path, *, origin: str | None) -> Signer:
    """Return the signer whose key is in *path*; make a new one there if the file is missing.

    A new one signs as *origin*, or under a name made of the key itself. Call it with the lock on
    the database held. Raises ``KeyUnusable`` for a file that others may read, for one that is no
    key, and for the key of another origin: a name belongs to its key for good.
    """
    try:
        signer = load(path)
    except FileNotFoundError:
        signer = _new(origin)
        write_private(path, signer.secret() + "\n")
    if origin is not None and signer.name != origin:
        raise KeyUnusable(
            f"The key in {path} signs as {signer.name}, but CLAWTRAIL_LOG_ORIGIN is {origin}. Another name "
            "needs another key: move the file away, and a new one is made at the next start.",
        )
    return signer


def load(path: Path) -> Signer:
    """Return the signer whose key is in *path*.

    Raises ``FileNotFoundError`` where there is none, ``KeyUnusable`` as ``ensure`` does.
    """
    text = read_private(path, risk="sign in this record's name")
    try:
        return Signer.parse(text.decode("ascii").removesuffix("\n"))
    except (BadKey, UnicodeDecodeError) as error:
        raise KeyUnusable(
            f"There is no key in the file {path}: {error}. Put the right one back from a backup, or move "
            "this one away to begin with a new key.",
        ) from error


def read_private(path: Path, *, risk: str) -> bytes:
    """Return what is in the key file *path*; *risk* is what whoever has read it could do.

    Raises ``FileNotFoundError`` where there is none, ``KeyUnusable`` for one that others may read.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(4096)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise KeyUnusable(f"The key file {path} cannot be read: {error.strerror}.") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyUnusable(
            f"Others than its owner may use the key file {path} (mode {stat.S_IMODE(mode):04o}). Whoever has "
            f"read it can {risk}. If you are sure that nobody has: chmod 600 {path}",
        )
    return text


def _new(origin: str | None) -> Signer:
    seed = secrets.token_bytes(32)
    if origin is None:
        public_key = Signer("unnamed", seed).verifier.public_key
        origin = f"clawtrail.local/{sha256(public_key).hexdigest()[:8]}"
    return Signer(origin, seed)


def write_private(path: Path, text: str) -> None:
    """Write *text* beside, then rename: nobody else can read it meanwhile, and half a key never stands."""
    beside = path.with_name(path.name + ".new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
