"""``clawtrail read``, ``write`` and ``edit``: files of the worker's computer."""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable
from pathlib import Path

import click

from clawtrail.answers import Chunk, read_content
from clawtrail.client import Client
from clawtrail.commands.attending import perform
from clawtrail.commands.live import LiveOutput
from clawtrail.commands.options import json_option, submitting
from clawtrail.commands.printing import compact, print_json
from clawtrail.manual import ManualCommand
from clawtrail.result import Result
from clawtrail.tasks import Task
from clawtrail.terminal import harmless


@click.command(cls=ManualCommand)
@click.argument("path")
@click.option("--offset", type=click.IntRange(min=0), help="The byte to begin with.  [default: 0]")
@click.option("--limit", type=click.IntRange(min=0), help="At most so many bytes.")
@json_option
@submitting
def read(client: Client, *, path: str, offset: int | None, limit: int | None, as_json: bool) -> int:
    """Print a file of the worker's computer.

    It comes byte by byte as it is; on a terminal, control characters are shown as escapes. PATH is a path
    over there; what it may be is the worker's decision. A read is a task like any other: it is on record,
    and it waits until a worker takes it.

    Examples:
      clawtrail read ~/Notes/today.md
      clawtrail read /var/log/big.log --offset 1000000 --limit 65536
      clawtrail read photo.jpg > photo.jpg

    """

    def show(result: Result) -> None:
        content = read_content(result)
        if as_json:
            print_json({"path": path, "size": len(content), **_in_json(content)})
        else:
            live = LiveOutput()
            live.write(Chunk("stdout", 0, content))
            live.finish()

    return perform(
        client,
        Task.file_read(path, offset=offset, limit=limit),
        on_result=_for_success(show, as_json=as_json),
    )


@click.command(cls=ManualCommand)
@click.argument("path")
@click.argument("file", default="-", metavar="[FILE|-]")
@json_option
@submitting
def write(client: Client, *, path: str, file: str, as_json: bool) -> int:
    """Write a file on the worker's computer.

    It gets exactly the bytes of FILE, or of standard input. Folders are made as needed, and the file
    changes all at once or not at all. The record keeps the digests before and after.

    Examples:
      clawtrail write ~/Notes/today.md draft.md
      date | clawtrail write /tmp/now -

    """
    content = _bytes_of(file)
    task = Task.file_write(path, _text_if_it_is(content))

    def show(result: Result) -> None:
        digest = compact(result.metadata.get("sha256After"))
        _print(result, f"{path}: {len(content)} bytes written, sha256 {digest}\n", as_json=as_json)

    return perform(client, task, on_result=_for_success(show, as_json=as_json))


@click.command(cls=ManualCommand)
@click.argument("path")
@click.option(
    "--old", required=True, metavar="TEXT", help="The text to replace; must stand there exactly once."
)
@click.option("--new", required=True, metavar="TEXT", help="What to put in its place.")
@click.option("--all", "replace_all", is_flag=True, help="Replace it everywhere.")
@json_option
@submitting
def edit(client: Client, *, path: str, old: str, new: str, replace_all: bool, as_json: bool) -> int:
    """Replace exact text in a file of the worker's computer.

    What is printed is the difference that it makes. No pattern and no escapes: the text is taken as it
    is. When it does not stand there, or more than once without --all, nothing is changed and the exit
    status is 1.

    Examples:
      clawtrail edit ~/site/config.toml --old 'debug = true' --new 'debug = false'
      clawtrail edit README.md --old colour --new color --all

    """

    def show(result: Result) -> None:
        _print(result, str(result.metadata.get("diff") or f"{path}: edited\n"), as_json=as_json)

    return perform(
        client,
        Task.file_edit(path, old, new, replace_all=replace_all),
        on_result=_for_success(show, as_json=as_json),
    )


def _bytes_of(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise click.UsageError(f"{file} cannot be read here: {error.strerror}.") from None


def _for_success(show: Callable[[Result], None], *, as_json: bool) -> Callable[[Result], None]:
    """Return what shows a good result; of another nothing is shown here but, where asked, its JSON."""

    def on_result(result: Result) -> None:
        if result.ok:
            show(result)
        elif as_json:
            print_json(result.raw)

    return on_result


def _text_if_it_is(content: bytes) -> str | bytes:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content


def _in_json(content: bytes) -> dict[str, str]:
    text = _text_if_it_is(content)
    if isinstance(text, str):
        return {"encoding": "utf8", "content": text}
    return {"encoding": "base64", "content": base64.b64encode(content).decode("ascii")}


def _print(result: Result, text: str, *, as_json: bool) -> None:
    if as_json:
        print_json(result.raw)
    else:
        click.echo(harmless(text) if sys.stdout.isatty() else text, nl=False)
