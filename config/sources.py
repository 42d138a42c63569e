"""Where settings come from: the environment, an env-like file, and files of one value each (NAME_FILE)."""

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import AliasChoices, BaseModel, ValidationError
from pydantic.fields import FieldInfo


class Unreadable(str):
    """Stands for the value of a NAME_FILE that could not be read, until validation refuses it; says why."""

    __slots__ = ()


def gather(
    settings: type[BaseModel], options: Mapping[str, object], *, file: Path | None = None
) -> dict[str, object]:
    """Give what is set, each setting once, under the name by which it was found.

    *options* win over the environment, that over the env-like *file*, and that over NAME_FILE, which names a
    file that holds the value; under whatever names. What is empty is not set.
    """
    written = _lines(file)
    found: dict[str, object] = {}
    for key, field in settings.model_fields.items():
        names = names_of(field, key)
        for source in (options, os.environ, written, _files(names, written | dict(os.environ))):
            name = next((name for name in names if source.get(name) not in (None, "")), None)
            if name is not None:
                found[name] = source[name]
                break
    return found


def names_of(field: FieldInfo, field_name: str) -> list[str]:
    """List the names by which a setting can be given in the environment, ours first."""
    alias = field.validation_alias
    if isinstance(alias, AliasChoices):
        return [str(choice) for choice in alias.choices]
    return [str(alias or field_name)]


def faults(error: ValidationError) -> list[str]:
    """Give one line for each fault of the settings; values are not shown, they may be secret."""
    return [
        f"{'.'.join(map(str, fault['loc'])) or 'settings'}: {fault['msg'].removeprefix('Value error, ')}"
        for fault in error.errors(include_url=False, include_input=False, include_context=False)
    ]


def _lines(file: Path | None) -> dict[str, str | None]:
    if file is None:
        return {}
    from dotenv import dotenv_values  # noqa: PLC0415 - most workers have no such file

    return dotenv_values(file)


def _files(names: list[str], named: Mapping[str, str | None]) -> dict[str, str]:
    """Give the content of the file that NAME_FILE names, for each of *names*."""
    paths = {name: named.get(f"{name}_FILE") for name in names}
    return {name: _read(Path(path).expanduser(), f"{name}_FILE") for name, path in paths.items() if path}


def _read(path: Path, name: str) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        return Unreadable(f"{name} cannot be read: {error}")
