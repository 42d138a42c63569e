"""``clawtrail keys``: make keys to sign with, and say whose signatures a worker of this computer believes."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from clawtrail import keys as own
from clawtrail.commands.options import json_option
from clawtrail.commands.printing import instant, on_terminal, print_json, print_table, print_tabs
from clawtrail.formats import trusted_keys
from clawtrail.formats.dsse import key_id_of
from clawtrail.formats.notes import BadKey, Signer, Verifier
from clawtrail.formats.trusted_keys import PURPOSES, KeysFaulty, TrustedKey, TrustedKeys
from clawtrail.manual import ManualCommand, ManualGroup
from clawtrail.remembering import write_durably

_TRUSTED = "CLAWTRAIL_WORKER_TRUSTED_KEYS"


class Unusable(click.ClickException):
    """A key or a file of keys that cannot be used; the sentence says what to do."""

    exit_code = 2


@click.group(cls=ManualGroup)
def keys() -> None:
    """Make keys to sign with, and say whose signatures count here.

    Who submits tasks makes a key (`new`) and gives its public line to whoever owns the worker's computer.
    There the line is trusted (`trust`), and may be revoked again (`revoke`). A running worker knows at once.

    Private keys lie in ~/.config/clawtrail/keys. The worker's trusted keys lie in
    ~/.config/clawtrail/trusted-keys.json, unless CLAWTRAIL_WORKER_TRUSTED_KEYS names another file. All of
    these commands take --json.

    Examples:
      clawtrail keys new ada-laptop
      clawtrail keys trust 'ada-laptop+2f1c7d0a+AcK...'
      clawtrail keys list --trusted
      clawtrail keys revoke ada-laptop --reason 'laptop was stolen'

    """


_file = click.option(
    "--file",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar=_TRUSTED,
    help="The worker's file of trusted keys.",
)


@keys.command(cls=ManualCommand)
@click.argument("name")
@json_option
def new(*, name: str, as_json: bool) -> None:
    """Make a key called NAME, and print its public line.

    The private key is written for you alone, without a password: who can read your files can sign as you. The
    line that is printed is no secret; give it to whoever owns the worker, by a way that you both trust.

    Examples:
      clawtrail keys new ada-laptop

    """
    signer = own.make(name)
    if as_json:
        print_json(_about(name, signer))
    else:
        click.echo(str(signer.verifier))


@keys.command("list", cls=ManualCommand)
@click.option("--trusted", is_flag=True, help="Those that the worker of this computer trusts, or did.")
@_file
@json_option
def list_(*, trusted: bool, file: Path | None, as_json: bool) -> None:
    """List your own keys with their public lines, or with --trusted the worker's.

    In a pipe there is a line for each key, with tabs between. Own: name, public line. Trusted: name, purpose,
    state, since when, workers, kinds, public line.

    Examples:
      clawtrail keys list
      clawtrail keys list --trusted --json

    """
    if trusted:
        _list_trusted(_read(_place(file)), as_json=as_json)
        return
    found = [(name, own.find(name)) for name in own.names()]
    if as_json:
        print_json({"keys": [_about(name, signer) for name, signer in found]})
    else:
        _print(("name", "public line"), [(name, str(signer.verifier)) for name, signer in found])


@keys.command(cls=ManualCommand)
@click.argument("key")
@click.option("--name", help="What to call it here.  [default: the name in it]")
@click.option(
    "--purpose",
    type=click.Choice(PURPOSES),
    default="task",
    show_default=True,
    help="Whether it signs tasks, or people's yes to questions. No key is good for both.",
)
@click.option("--worker", "workers", multiple=True, help="Only for the worker of this name; may be repeated.")
@click.option("--kind", "kinds", multiple=True, help="Only for tasks of this kind; may be repeated.")
@_file
@json_option
def trust(
    *,
    key: str,
    name: str | None,
    purpose: str,
    workers: tuple[str, ...],
    kinds: tuple[str, ...],
    file: Path | None,
    as_json: bool,
) -> None:
    """Trust KEY: a public line, or a file that holds one.

    Be sure whose it is: what this key signs, the worker takes for its owner's word. What may run is still
    decided by the policy. A key that was revoked is never trusted again.

    Examples:
      clawtrail keys trust 'ada-laptop+2f1c7d0a+AcK...'
      clawtrail keys trust ann.pub --purpose approval --worker macbook

    """
    if purpose == "approval" and kinds:
        raise click.UsageError("--kind is for keys that sign tasks")
    verifier = _verifier(key)
    try:
        added = TrustedKey(
            name=trusted_keys.check_name(name or verifier.name),
            verifier=verifier,
            purpose=purpose,
            added_at=_now(),
            workers=workers,
            kinds=kinds,
        )
    except KeysFaulty as error:
        raise Unusable(f"Nothing was changed: {error}.") from None
    place = _place(file)
    _change(place, lambda before: before.with_trusted(added))
    if as_json:
        print_json(_told(added))
    else:
        click.echo(f"Trusted for {purpose}s: {added.name} ({added.id[:16]}), in {place}")


@keys.command(cls=ManualCommand)
@click.argument("name")
@click.option("--reason", metavar="TEXT", help="Why; it is kept beside the key.")
@_file
@json_option
def revoke(*, name: str, reason: str | None, file: Path | None, as_json: bool) -> None:
    """Trust the key NAME no more.

    A running worker refuses from now on what it signed, also what waits already; what runs goes on. The key
    stays in the file as revoked, so that nobody can have it trusted again.

    Examples:
      clawtrail keys revoke ada-laptop --reason 'laptop was stolen'

    """
    place = _place(file)
    after = _change(place, lambda before: before.with_revoked(name, at=_now(), reason=reason))
    if as_json:
        print_json(next(_told(key) for key in after.keys if key.name == name))
    else:
        click.echo(f"Revoked: {name}, in {place}")


def _place(file: Path | None) -> Path:
    return (file or Path("~/.config/clawtrail/trusted-keys.json")).expanduser().absolute()


def _read(place: Path) -> TrustedKeys:
    try:
        return trusted_keys.parse(place.read_bytes())
    except FileNotFoundError:
        return TrustedKeys()
    except KeysFaulty as error:
        raise Unusable(f"{place} is no file of trusted keys: {error}.") from None
    except OSError as error:
        raise Unusable(f"{place} cannot be read: {error.strerror}.") from None


def _change(place: Path, change: Callable[[TrustedKeys], TrustedKeys]) -> TrustedKeys:
    """Put the changed keys in place of the file, whole or not at all, one program after the other."""
    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(place):
            after = change(_read(place))
            write_durably(place, trusted_keys.spell(after))
    except KeysFaulty as error:
        raise Unusable(f"Nothing was changed: {error}.") from None
    except OSError as error:
        raise Unusable(f"{place} cannot be written: {error.strerror}.") from None
    return after


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    descriptor = os.open(place.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _verifier(given: str) -> Verifier:
    """Return the key of a public line, or of a file that holds one; a private key is refused."""
    text = given
    if "+" not in given:
        try:
            text = Path(given).expanduser().read_text(encoding="ascii")[:1000].strip()
        except OSError as error:
            raise Unusable(f"{given} is no public line, and no file: {error.strerror}.") from None
        except UnicodeDecodeError:
            raise Unusable(f"{given} holds no public line.") from None
    if text.startswith("PRIVATE+KEY+"):
        raise Unusable("This is a private key, which nobody but its owner may have. Trust its public line.")
    try:
        return Verifier.parse(text)
    except BadKey as error:
        raise Unusable(f"This is no public line of a key: {error}.") from None


def _list_trusted(found: TrustedKeys, *, as_json: bool) -> None:
    if as_json:
        print_json({"keys": [_told(key) for key in found.keys]})
        return
    titles = ("name", "for", "state", "since", "workers", "kinds", "public line")
    _print(titles, [_line(key) for key in found.keys])


def _line(key: TrustedKey) -> tuple[str, ...]:
    state = "trusted" if key.revoked_at is None else "revoked"
    since = instant(key.added_at if key.revoked_at is None else key.revoked_at)
    return (
        key.name,
        key.purpose,
        state,
        since,
        ",".join(key.workers),
        ",".join(key.kinds),
        str(key.verifier),
    )


def _print(titles: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    if on_terminal():
        print_table(titles, rows)
    else:
        print_tabs(rows)


def _about(name: str, signer: Signer) -> dict[str, object]:
    file = own.folder() / f"{name}{own.SUFFIX}"
    key_id = key_id_of(signer.verifier.public_key)
    return {"name": name, "key": str(signer.verifier), "id": key_id, "file": str(file)}


def _told(key: TrustedKey) -> dict[str, object]:
    return {**trusted_keys.told(key), "id": key.id}


def _now() -> int:
    return time.time_ns() // 1_000_000
