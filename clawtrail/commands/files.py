"""``clawtrail read``, ``write`` and ``edit``: files of the worker's computer."""

from __future__ import annotations

import base64
import sys
from pathlib import Path

import click

from clawtrail.answers import Chunk
from clawtrail.client import Client
from clawtrail.commands.live import LiveOutput
from clawtrail.commands.options import connected, json_option
from clawtrail.commands.printing import compact, print_json
from clawtrail.manual import ManualCommand
from clawtrail.result import Result
from clawtrail.terminal import harmless, one_line


@click.command(cls=ManualCommand)
@click.argument("path")
@click.option("--offset", type=click.IntRange(min=0), help="The byte to begin with.  [default: 0]")
@click.option("--limit", type=click.IntRange(min=0), help="At most so many bytes.")
@json_option
@connected
def read(client: Client, *, path: str, offset: int | None, limit: int | None, as_json: bool) -> None:
    """Print a file of the worker's computer, byte by byte as it is (on a terminal: made harmless).

    PATH is a path over there; what it may be is the worker's decision. A read is a task like any other: it is
    on record, and it waits until a worker takes it.

    Examples:
      clawtrail read ~/Notes/today.md
      clawtrail read /var/log/big.log --offset 1000000 --limit 65536
      clawtrail read photo.jpg > photo.jpg

    """
    content = client.read_file(path, offset=offset, limit=limit)
    if as_json:
        print_json({"path": path, "size": len(content), **_in_json(content)})
        return
    live = LiveOutput()
    live.write(Chunk("stdout", 0, content))
    live.finish()


@click.command(cls=ManualCommand)
@click.argument("path")
@click.argument("file", default="-", metavar="[FILE|-]")
@json_option
@connected
def write(client: Client, *, path: str, file: str, as_json: bool) -> None:
    """Write a file on the worker's computer with exactly the bytes of FILE, or of standard input.

    Folders are made as needed, and the file changes all at once or not at all. The record keeps the digests
    before and after.

    Examples:
      clawtrail write ~/Notes/today.md draft.md
      date | clawtrail write /tmp/now -

    """
    content = _bytes_of(file)
    try:
        result = client.write_file(path, content.decode("utf-8"))
    except UnicodeDecodeError:
        result = client.write_file(path, content)
    _report(result, f"{path}: {len(content)} bytes written", as_json=as_json)


@click.command(cls=ManualCommand)
@click.argument("path")
@click.option(
    "--old", required=True, metavar="TEXT", help="The text to replace; must stand there exactly once."
)
@click.option("--new", required=True, metavar="TEXT", help="What to put in its place.")
@click.option("--all", "replace_all", is_flag=True, help="Replace it everywhere.")
@json_option
@connected
def edit(client: Client, *, path: str, old: str, new: str, replace_all: bool, as_json: bool) -> None:
    """Replace exact text in a file of the worker's computer, and print the difference that it makes.

    No pattern and no escapes: the text is taken as it is. When it does not stand there, or more than once
    without --all, nothing is changed and the exit status is 1.

    Examples:
      clawtrail edit ~/site/config.toml --old 'debug = true' --new 'debug = false'
      clawtrail edit README.md --old colour --new color --all

    """
    result = client.edit_file(path, old, new, replace_all=replace_all)
    diff = result.metadata.get("diff")
    if as_json or not isinstance(diff, str):
        _report(result, f"{path}: edited", as_json=as_json)
    else:
        click.echo(harmless(diff) if sys.stdout.isatty() else diff, nl=not diff.endswith("\n"))


def _bytes_of(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise click.UsageError(f"{file} cannot be read here: {error.strerror}.") from None


def _in_json(content: bytes) -> dict[str, str]:
    try:
        return {"encoding": "utf8", "content": content.decode("utf-8")}
    except UnicodeDecodeError:
        return {"encoding": "base64", "content": base64.b64encode(content).decode("ascii")}


def _report(result: Result, sentence: str, *, as_json: bool) -> None:
    if as_json:
        print_json(result.raw)
        return
    digest = result.metadata.get("sha256After")
    click.echo(one_line(sentence if digest is None else f"{sentence}, sha256 {compact(digest)}"))
