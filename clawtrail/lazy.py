"""A group of commands that are named in a table and loaded only when somebody types them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, NamedTuple

import click

from clawtrail.manual import write_manual


class Entry(NamedTuple):
    """Where a command lives, and its line in the list; names in strings, so that they load nothing."""

    module: str
    attribute: str
    line: str


class LazyGroup(click.Group):
    """A group whose commands stand in *sections*: a title, then the commands under it by name."""

    def __init__(self, *, sections: Mapping[str, Mapping[str, Entry]], **given: Any) -> None:  # noqa: ANN401 - click's
        super().__init__(**given)
        self.sections = sections

    @property
    def entries(self) -> dict[str, Entry]:
        """All commands by their names."""
        return {name: entry for section in self.sections.values() for name, entry in section.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names of all commands."""
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        """Load the command of that name; None where there is none."""
        entry = self.entries.get(cmd_name)
        if entry is None:
            return None
        command = getattr(import_module(entry.module), entry.attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{entry.module}.{entry.attribute} is no command")
        return command

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """Write the docstring."""
        write_manual(self.help or "", formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """Write the list of commands, by section, without loading one of them."""
        for title, entries in self.sections.items():
            with formatter.section(title):
                formatter.write_dl([(name, entry.line) for name, entry in entries.items()])
