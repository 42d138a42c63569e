"""Where settings come from: the environment, an env-like file, and files of one value each (NAME_FILE)."""

import os
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from pydantic import AliasChoices, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, DotEnvSettingsSource, PydanticBaseSettingsSource


class Unreadable(str):
    """Stands for the value of a NAME_FILE that could not be read, until validation refuses it; says why."""

    __slots__ = ()


class ValueFiles(PydanticBaseSettingsSource):
    """For each setting NAME, the content of the file that NAME_FILE names, without blanks around it."""

    def __init__(self, settings_cls: type[BaseSettings], dotenv: DotEnvSettingsSource) -> None:
        super().__init__(settings_cls)
        file = dotenv.env_file
        self._names = dict(dotenv_values(file)) if isinstance(file, str | Path) else {}
        self._names |= os.environ

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Give the value for *field* and the name that it goes by; None where no NAME_FILE is set."""
        for name in names_of(field, field_name):
            if path := self._names.get(f"{name}_FILE"):
                return _read(Path(path).expanduser(), f"{name}_FILE"), name, False
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """Give all values that were found, by name."""
        found = (self.get_field_value(field, name) for name, field in self.settings_cls.model_fields.items())
        return {name: value for value, name, _ in found if value is not None}


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


def _read(path: Path, name: str) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        return Unreadable(f"{name} cannot be read: {error}")
