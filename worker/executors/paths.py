"""What a path in a task means on this machine."""

from pathlib import Path


class FileTrouble(Exception):
    """A path or file cannot be used; the message is for the submitter."""


def resolve(path: str) -> Path:
    """Give *path* as an absolute one: ``~`` and ``~user`` expanded, a relative one taken from home.

    Links are left as they are. Raises ``FileTrouble`` for a path that no file can have.
    """
    if not path or "\0" in path:
        raise FileTrouble("not a path: it is empty or has a NUL in it")
    try:
        return Path.home() / Path(path).expanduser()
    except RuntimeError as error:
        raise FileTrouble(f"no such home folder: {path}") from error
