"""Verifier keys on a command line: the key itself, or a file with it."""

from __future__ import annotations

from pathlib import Path

import click

from clawtrail.formats.notes import BadKey, Verifier
from clawtrail.terminal import one_line


def verifier_key(given: str) -> Verifier:
    """Return the verifier that *given* spells, or that is in the file of that name.

    Raises ``click.BadParameter``, which says what it is instead, and where the key is had from.
    """
    try:
        return Verifier.parse(given)
    except BadKey as error:
        not_a_key = error
    try:
        return Verifier.parse(Path(given).read_text(encoding="utf-8").strip())
    except BadKey as error:
        why = f"the file {given!r} holds no verifier key: {error}"
    except FileNotFoundError:
        why = f"there is no file {given!r}, and a verifier key it is not"
        if "+" in given:
            why = f"it looks like a verifier key, but {not_a_key}"
    except UnicodeDecodeError:
        why = f"the file {given!r} holds no text"
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        why = f"it is no verifier key, and a file {given!r} cannot be read: {reason}"
    raise click.BadParameter(f"{one_line(why)}. The record's owner prints it with: clawtrail audit key")
