"""How a task names a secret of this machine: ``secret://NAME``, alone, as a value."""

import re

SCHEME = "secret://"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)


def named_in(value: str) -> str | None:
    """Give the name of the secret that *value* stands for; None where it is a plain value.

    Raises ``ValueError`` for what begins like a reference and is none: it is never passed on as it is.
    """
    if not value.startswith(SCHEME):
        return None
    name = value.removeprefix(SCHEME)
    if not NAME.fullmatch(name):
        raise ValueError(
            "a secret is named as secret://NAME, of letters, digits, '_' and '-', with nothing after it"
        )
    return name
