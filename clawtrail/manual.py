"""Help that reads like a manual: paragraphs are wrapped, indented lines stay as they were written."""

from __future__ import annotations

import inspect

import click


class ManualCommand(click.Command):
    """A command whose docstring is its manual."""

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """Write the docstring."""
        write_manual(self.help or "", formatter)


class ManualGroup(click.Group):
    """A group of commands whose docstring is its manual."""

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """Write the docstring."""
        write_manual(self.help or "", formatter)


def write_manual(text: str, formatter: click.HelpFormatter) -> None:
    """Write the paragraphs of a docstring; one with indented lines (examples, lists) is not wrapped."""
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        formatter.write_paragraph()
        with formatter.indentation():
            if "\n " in f"\n{paragraph}":
                _write_as_it_is(paragraph, formatter)
            else:
                formatter.write_text(paragraph)


def _write_as_it_is(paragraph: str, formatter: click.HelpFormatter) -> None:
    for line in paragraph.splitlines():
        formatter.write(f"{' ' * formatter.current_indent}{line}\n")
