"""The keys that this worker trusts, read anew when their file changes."""

import logging
import os
import threading
from pathlib import Path

from clawtrail.formats import trusted_keys
from clawtrail.formats.trusted_keys import KeysFaulty, TrustedKeys
from worker.own_file import fingerprint, others_can_write

log = logging.getLogger(__name__)


class Keyring:
    """Any thread may ask for the ``keys``; ``_lock`` guards reading the file anew.

    Without a file no key is trusted. Nor is one while the file cannot be read: somebody may just have wanted
    to revoke one.
    """

    def __init__(self, file: Path) -> None:
        """Read the *file*. Raises ``KeysFaulty`` and ``OSError``: so a worker does not start."""
        self._file = file
        self._lock = threading.Lock()
        self._seen = fingerprint(file)
        self._keys = read(file)

    def keys(self) -> TrustedKeys:
        """Give the keys as they stand in the file now."""
        if fingerprint(self._file) != self._seen:
            self.reload()
        return self._keys

    def reload(self) -> None:
        """Read the file again; a fault is told in the log, and then no key is trusted until it is mended."""
        with self._lock:
            seen = fingerprint(self._file)
            fields = {"file": str(self._file)}
            try:
                self._keys = read(self._file)
                log.info("trusted keys read", extra={"fields": fields})
            except (OSError, KeysFaulty) as error:
                self._keys = TrustedKeys()
                said = fields | {"error": str(error)}
                log.error("no key is trusted until the file is mended", extra={"fields": said})  # noqa: TRY400 - its fault is the whole story
            # Last: whoever looks meanwhile waits for the lock, and does not go by what is out of date.
            self._seen = seen


def read(file: Path) -> TrustedKeys:
    """Read a file of trusted keys, none where there is no file. Raises ``OSError`` and ``KeysFaulty``."""
    try:
        with file.open("rb") as opened:
            status = os.fstat(opened.fileno())
            if others_can_write(status):
                raise KeysFaulty(f"others can write this file; chmod 600 {file}")
            return trusted_keys.parse(opened.read(trusted_keys.MAX_BYTES + 1))
    except FileNotFoundError:
        return TrustedKeys()
