"""``clawtrail checkpoint``: the record's newest signed statement, once it fits what was seen before."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from clawtrail.client import Client
from clawtrail.commands.options import connected, json_option
from clawtrail.commands.printing import print_json
from clawtrail.errors import RecordAlarm
from clawtrail.exits import REFUSED
from clawtrail.manual import ManualCommand
from clawtrail.terminal import harmless

if TYPE_CHECKING:
    from clawtrail.witness import Witnessed


_LARGEST = 100_000


def _address(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    if value is not None and (
        urlsplit(value).scheme not in {"http", "https"} or not urlsplit(value).hostname
    ):
        raise click.BadParameter("it is not an address such as https://notes.example.net/log")
    return value


@click.command(cls=ManualCommand)
@click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True),
    metavar="FILE",
    help="A checkpoint kept elsewhere, which has to fit, too; - reads it from standard input.",
)
@click.option("--key", metavar="KEY", help="The record's verifier key, or a file with it.")
@click.option("--post", metavar="URL", callback=_address, help="Post the checkpoint to URL as plain text.")
@click.option("--accept-record", is_flag=True, help="Forget the record seen so far; take this one on trust.")
@json_option
@connected
def checkpoint(
    client: Client,
    *,
    file: str | None,
    key: str | None,
    post: str | None,
    accept_record: bool,
    as_json: bool,
) -> int:
    """Check that the record only grew, and print its checkpoint.

    A checkpoint is the record's size and root, signed by the server. The newest one is compared with the one
    seen last, which is kept in ~/.local/state/clawtrail (or under XDG_STATE_HOME): the server has to prove
    that the record of then is the beginning of the record of now. The first time, key and checkpoint are
    taken on trust, unless --key says which key to believe.

    Put the output where the server's owner cannot change it, and whoever reads it there is a witness, too.

    The exit status is 0 when the record only grew, and 1 when it shrank, is another one, or has another key:
    then both checkpoints are printed, and the remembered one is kept. --post follows no redirects.

    Examples:
      clawtrail checkpoint
      clawtrail checkpoint --key log.key --post https://notes.example.net/log
      clawtrail checkpoint --file checkpoint-of-last-year.txt

    """
    also = None
    if file is not None:
        with click.open_file(file, "r", encoding="utf-8") as kept:
            also = kept.read(_LARGEST)
    try:
        seen = client.verify_record(key=_key_of(key), also=also, fresh=accept_record)
    except RecordAlarm as alarm:
        return _sound(alarm, as_json=as_json)
    _print(seen, as_json=as_json)
    if post is not None:
        from clawtrail import posting  # noqa: PLC0415 - few need it, and it loads an HTTP client

        posting.post(post, seen.note)
    return 0


def _key_of(given: str | None) -> str | None:
    """Return the verifier key itself when a file with it was given."""
    if given is None or not Path(given).is_file():
        return given
    try:
        return Path(given).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise click.BadParameter(f"--key: {given} cannot be read: {error}") from error


def _sound(alarm: RecordAlarm, *, as_json: bool) -> int:
    if as_json:
        told = {"fault": alarm.fault, "reason": str(alarm)}
        print_json({"good": False, **told, "remembered": alarm.remembered, "shown": alarm.shown})
    click.echo(f"clawtrail: ALARM: {harmless(alarm.told)}", err=True)
    click.echo(
        "The remembered checkpoint is kept. Keep both, and find out what happened before you go on with\n"
        "`clawtrail checkpoint --accept-record`.",
        err=True,
    )
    return REFUSED


def _print(seen: Witnessed, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {"good": True, "size": seen.size, "before": seen.before, "key": seen.key, "checkpoint": seen.note}
        )
        return
    if sys.stdout.isatty():
        click.echo(harmless(seen.note), nl=False)
    else:  # whoever reads it from here checks its signature
        sys.stdout.buffer.write(seen.note.encode())
    since = f"It was found to have grown from {seen.before} events."
    if seen.before is None:
        since = f"It is seen for the first time, and remembered with its key {harmless(seen.key)}."
    elif seen.before == seen.size:
        since = "It is as it was the last time."
    click.echo(f"The record has {seen.size} events. {since}", err=True)
