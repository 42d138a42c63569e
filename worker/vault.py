"""The secrets of this machine: given to what may use them, masked wherever they turn up."""

import logging
import threading
from collections.abc import Iterable
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

from worker import secret_file
from worker.errors import SecretMissing, SecretsFaulty
from worker.masking.forms import LEAST_BYTES
from worker.masking.streams import Masking
from worker.references import named_in

SERVICE = "clawtrail"
"""The name under which the system's keyring has our secrets."""

log = logging.getLogger(__name__)

Signature = tuple[int, ...]


class Vault:
    """Gives secrets by name: of the file, which is read anew when it changes, else of the system's keyring.

    Any thread may call it; ``_lock`` guards the values. What was a value once is masked until the
    worker ends: what was started with it may still print it.
    """

    def __init__(self, file: Path, *, must_exist: bool = False, hidden: Iterable[str] = ()) -> None:
        """Read *file*; *hidden* are further values to mask. Raises ``SecretsFaulty``, ``OSError``."""
        self._file = file
        self._lock = threading.Lock()
        self._hidden = set(hidden)
        self._masking = Masking(self._hidden)
        self._values: dict[str, str] = {}
        self._fault: SecretsFaulty | None = None
        self._seen = _signature(file)
        if self._seen is not None or must_exist:
            self._take(secret_file.read(file))

    def masking(self) -> Masking:
        """Give what masks everything that is, or was, a secret here."""
        if _signature(self._file) != self._seen:
            self._look()
        return self._masking

    def reveal(self, value: str) -> str:
        """Give the secret that *value* names, or *value* itself where it names none.

        Raises ``SecretMissing``, ``SecretsFaulty``, and ``ValueError`` for what is no right name.
        """
        name = named_in(value)
        return value if name is None else self._get(name)

    def fault_of(self, names: Iterable[str]) -> str | None:
        """Say why not all of *names* could be given; None when they could."""
        try:
            for name in names:
                self._get(name)
        except (SecretMissing, SecretsFaulty) as error:
            return str(error)
        return None

    def _get(self, name: str) -> str:
        self.masking()
        with self._lock:
            if self._fault is not None:
                raise SecretsFaulty("the secrets of this worker cannot be read; its log says why")
            found = self._values.get(name)
        if found is None:
            found = _from_keyring(name)
            if found is None or secret_file.fault_of(found) is not None:
                raise SecretMissing(f"no secret {name} on this worker")
            with self._lock:
                self._hide({found})
        return found

    def _look(self) -> None:
        with self._lock:
            self._seen = _signature(self._file)
            self._fault = None
            try:
                self._take(secret_file.read(self._file) if self._seen else {})
            except (OSError, SecretsFaulty) as error:
                self._fault = SecretsFaulty(str(error))
                log.error("secrets cannot be used: %s", error)  # noqa: TRY400 - its sentence is the whole story

    def _take(self, values: dict[str, str]) -> None:
        self._values = values
        short = sorted(name for name, value in values.items() if len(value.encode()) < LEAST_BYTES)
        if short:
            log.warning("secrets too short to be masked", extra={"fields": {"names": ",".join(short)}})
        self._hide(set(values.values()))
        log.info("secrets read", extra={"fields": {"file": str(self._file), "count": len(values)}})

    def _hide(self, values: set[str]) -> None:
        if not values <= self._hidden:
            self._hidden |= values
            self._masking = Masking(self._hidden)


def _from_keyring(name: str) -> str | None:
    keyring = keyring_module()
    if keyring is None:
        return None
    try:
        found = keyring.get_password(SERVICE, name)
    except keyring_errors():
        log.exception("keyring failed")
        return None
    return found if isinstance(found, str) else None


@lru_cache(maxsize=1)
def keyring_module() -> ModuleType | None:
    """Give the library of the system's keyring, where it is installed (the extra ``keyring``)."""
    try:
        return import_module("keyring")
    except ImportError:
        return None


def keyring_errors() -> tuple[type[Exception], ...]:
    """List what a keyring raises: its own, and those of the desktop's service behind it."""
    return (import_module("keyring.errors").KeyringError, OSError, RuntimeError)


def _signature(file: Path) -> Signature | None:
    try:
        status = file.stat()
    except OSError:
        return None
    times = (status.st_mtime_ns, status.st_ctime_ns)
    return (status.st_dev, status.st_ino, status.st_size, *times, status.st_mode)
