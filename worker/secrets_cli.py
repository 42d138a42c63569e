"""The commands ``clawtrail secrets``: what tasks on this machine can use by name and nobody sees."""

import fcntl
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import click

from config.worker import secrets_file
from worker import secret_file, vault
from worker.errors import SecretsFaulty
from worker.masking.forms import LEAST_BYTES
from worker.references import NAME


class Unusable(click.ClickException):
    """A file of secrets that cannot be used, or a value that cannot be one."""

    exit_code = 2


@click.group()
def secrets() -> None:
    """Keep what tasks may use on this computer and nobody is to see.

    A task names a secret as secret://NAME, as the whole value of a variable of its environment or of its
    standard input. The worker puts the value in its place, if a rule of the policy lets that task use it,
    and masks it in all output. docs/secrets.md tells more.

    The file is ~/.config/clawtrail/secrets.toml, unless CLAWTRAIL_WORKER_SECRETS names another one. A
    running worker takes up changes by itself.

    Examples:
      clawtrail secrets set deploy-key
      clawtrail secrets set deploy-key < key.pem
      clawtrail secrets list
      clawtrail run --env 'KEY=secret://deploy-key' ./deploy

    """


def _checked_name(_ctx: click.Context, _param: click.Parameter, name: str) -> str:
    if not NAME.fullmatch(name):
        raise click.BadParameter("letters, digits, '_' and '-', 64 at most, the first no sign")
    return name


_NAME = click.argument("name", callback=_checked_name)
_KEYRING = click.option("--keyring", is_flag=True, help="In the keyring of the operating system instead.")


@secrets.command("set")
@_NAME
@_KEYRING
@click.option("--short", is_flag=True, help="Take a value that is too short to be masked, too.")
def set_(*, name: str, keyring: bool, short: bool) -> None:
    """Set the secret NAME: typed at a prompt, or all of standard input but one line end at its end.

    The value is never taken from the command line, where everybody on this computer could see it.

    Exit status:
      0  it is kept
      2  it is not: the value cannot be one, or the file is not usable

    """
    value = _asked(name) if sys.stdin.isatty() else _piped()
    if (fault := secret_file.fault_of(value)) is not None:
        raise Unusable(f"Not set: {fault}")
    if len(value.encode()) < LEAST_BYTES and not short:
        raise Unusable(
            f"Not set: a value of under {LEAST_BYTES} bytes is too short to be masked in output."
            " Take a longer one, or say --short"
        )
    if keyring:
        _in_keyring(lambda ring: ring.set_password(vault.SERVICE, name, value))
        click.echo(f"Kept in the keyring: {name}")
        return
    with _opened() as (place, values):
        secret_file.write(place, values | {name: value})
    click.echo(f"Kept in {place}: {name}")


@secrets.command("list")
def list_() -> None:
    """List the names in the file, one a line; values are never shown. Keyrings cannot be listed."""
    place = secrets_file()
    for name in sorted(_read(place)):
        click.echo(name)


@secrets.command()
@_NAME
@_KEYRING
def remove(*, name: str, keyring: bool) -> None:
    """Remove the secret NAME. A running worker goes on masking its value until it ends.

    Exit status:
      0  it is gone
      2  there is none of that name, or the file is not usable

    """
    if keyring:
        _in_keyring(lambda ring: ring.delete_password(vault.SERVICE, name))
        click.echo(f"Removed from the keyring: {name}")
        return
    with _opened() as (place, values):
        if name not in values:
            raise Unusable(f"There is no secret {name} in {place}")
        secret_file.write(place, {other: value for other, value in values.items() if other != name})
    click.echo(f"Removed from {place}: {name}")


def _asked(name: str) -> str:
    value = click.prompt(f"Value of {name}", hide_input=True, confirmation_prompt="Once more", err=True)
    assert isinstance(value, str)  # noqa: S101 - for the type checker
    return value


def _piped() -> str:
    try:
        return sys.stdin.buffer.read().decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise Unusable("Not set: a value is UTF-8 text") from None


@contextmanager
def _opened() -> Iterator[tuple[Path, dict[str, str]]]:
    """Give the file and what is in it, for one who changes it: one at a time."""
    place = secrets_file()
    try:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder = os.open(place.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield place, _read(place)
        finally:
            os.close(folder)
    except OSError as error:
        raise Unusable(f"Cannot write {place}: {error.strerror}") from error


def _read(place: Path) -> dict[str, str]:
    try:
        return secret_file.read(place)
    except FileNotFoundError:
        return {}
    except SecretsFaulty as error:
        raise Unusable(str(error)) from error
    except OSError as error:
        raise Unusable(f"Cannot read {place}: {error.strerror}") from error


def _in_keyring(act: Callable[[ModuleType], None]) -> None:
    ring = vault.keyring_module()
    if ring is None:
        raise Unusable("No keyring: install clawtrail[keyring]")
    try:
        act(ring)
    except vault.keyring_errors() as error:
        raise Unusable(f"The keyring says no: {type(error).__name__}: {error}") from error
