"""Where a witness keeps the newest checkpoint that it saw: one small file for each server."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from clawtrail.formats import witnessing
from clawtrail.formats.witnessing import MemoryUnreadable, Seen


class Memory:
    """The newest checkpoint of the server at *url*, in a file of *folder* that its owner alone can read.

    By address and not by key: a server that comes with another key is to be noticed. Programs that
    share a folder hold ``alone`` from before they ask the server until what they saw is kept.
    """

    def __init__(self, folder: Path, url: str) -> None:
        self.url = url
        host = re.sub(r"[^\w.-]", "-", urlsplit(url).netloc.rpartition("@")[2], flags=re.ASCII)
        self.file = folder / f"record-{host[:80]}-{sha256(url.encode()).hexdigest()[:8]}.txt"

    def recall(self) -> Seen | None:
        """Return what was seen last, None before the first time.

        Raises ``MemoryUnreadable`` for a file that holds anything else, ``OSError``.
        """
        try:
            text = self.file.read_bytes().decode()
        except FileNotFoundError:
            return None
        except UnicodeDecodeError as error:
            raise MemoryUnreadable("it is not UTF-8") from error
        return witnessing.recall(text)

    def keep(self, seen: Seen) -> None:
        """Remember *seen*; durable on return. Raises ``OSError``, and then the file is as it was."""
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_durably(self.file, witnessing.spell(seen))

    def forget(self) -> bool:
        """Remember nothing: the next checkpoint is taken on trust. Says whether anything was known."""
        known = self.file.exists()
        self.file.unlink(missing_ok=True)
        return known

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other programs that use this file waiting."""
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.file.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def write_durably(file: Path, text: str) -> None:
    """Put *text* in place of *file*, for its owner alone, whole or not at all; raises ``OSError``."""
    beside = file.with_name(f"{file.name}.{os.getpid()}.new")
    beside.unlink(missing_ok=True)
    with os.fdopen(
        os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb"
    ) as stream:
        stream.write(text.encode())
        stream.flush()
        os.fsync(stream.fileno())
    beside.replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
