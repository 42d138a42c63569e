"""The keys that this user signs with: one file each, that nobody else can read."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from clawtrail.errors import NotConfigured
from clawtrail.formats.notes import BadKey, Signer
from clawtrail.formats.trusted_keys import KeysFaulty, check_name

SUFFIX = ".key"


def folder(environ: Mapping[str, str] | None = None) -> Path:
    """Return where keys lie: ``~/.config/clawtrail/keys``, or under ``XDG_CONFIG_HOME``."""
    env = os.environ if environ is None else environ
    return Path(env.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "clawtrail" / "keys"


def make(name: str, *, within: Path | None = None) -> Signer:
    """Make a key, keep it for its owner alone, and return it; a key that is there is never written over.

    Raises ``NotConfigured`` for a name that no key can have or that is taken, and when it cannot be written.
    """
    try:
        file = (within or folder()) / f"{check_name(name)}{SUFFIX}"
        signer = Signer.generate(name)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # No other process ever sees it with other rights, or half of it under a name that is looked for.
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            stream.write(f"{signer.secret()}\n")
            stream.flush()
            os.fsync(stream.fileno())
    except KeysFaulty as error:
        raise NotConfigured(f"This key cannot be made: {error}.") from None
    except FileExistsError:
        raise NotConfigured(f"There is a key {name} already, in {file}; choose another name.") from None
    except OSError as error:
        raise NotConfigured(f"The key cannot be written to {file}: {error.strerror}.") from None
    return signer


def find(named: str | Path, *, within: Path | None = None) -> Signer:
    """Return the key of this name, or in this file (anything with a ``/``, or a ``Path``).

    Raises ``NotConfigured`` where there is none, where others can read it, and for what is no key.
    """
    file = Path(named).expanduser()
    if isinstance(named, str) and "/" not in named:
        file = (within or folder()) / f"{named}{SUFFIX}"
    try:
        with file.open(encoding="ascii") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise NotConfigured(f"Others can read the key {file}: chmod 600 {file}")
            return Signer.parse(stream.read(1000).strip())
    except FileNotFoundError:
        raise NotConfigured(
            f"There is no key {file}; `clawtrail keys new NAME` makes one, `clawtrail keys list` shows yours."
        ) from None
    except OSError as error:
        raise NotConfigured(f"The key {file} cannot be read: {error.strerror}.") from None
    except (BadKey, UnicodeDecodeError):
        raise NotConfigured(f"{file} holds no key that `clawtrail keys new` has made.") from None


def names(*, within: Path | None = None) -> list[str]:
    """Return the names of all keys of this user, sorted."""
    return sorted(_names(within or folder()))


def only(*, within: Path | None = None) -> str:
    """Return the name of this user's one key; raises ``NotConfigured`` when there is none, or a choice."""
    found = names(within=within)
    if len(found) == 1:
        return found[0]
    if found:
        raise NotConfigured(f"There are several keys ({', '.join(found[:5])}); say which with --key NAME.")
    raise NotConfigured("There is no key to sign with; `clawtrail keys new NAME` makes one.")


def _names(place: Path) -> Iterator[str]:
    for file in place.glob(f"*{SUFFIX}"):
        yield file.name.removesuffix(SUFFIX)
