"""Where the service is and who we are: from arguments, the environment or a small configuration file."""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict
from urllib.parse import urlsplit

from clawtrail.errors import NotConfigured

if TYPE_CHECKING:
    from clawtrail.formats.notes import Signer

_SETTINGS = {
    "url": str,
    "token": str,
    "token_file": str,
    "proxy": str,
    "ca_file": str,
    "insecure_http": bool,
    "signing_key": str,
    "signing_audience": str,
}


@dataclass(frozen=True, slots=True)
class Profile:
    """One usable address with its token, which shows in no repr.

    ``ca_file`` holds the certificates to trust instead of the usual ones, in PEM. With a ``signing_key`` (its
    name, its file, or the key) all that is submitted is signed, for the workers in ``signing_audience``.
    """

    url: str
    token: str = field(repr=False)
    proxy: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    signing_key: Signer | str | Path | None = field(default=None, repr=False)
    signing_audience: str | Sequence[str] | None = None


class ProfileOptions(TypedDict, total=False):
    """What can be said of the connection besides address and token.

    ``signing_key`` is the name of a key, its file, or the key; ``signing_audience`` names the workers that
    what it signs is for. ``ca_file`` holds the certificates to trust instead of the usual ones.
    """

    token_file: str | Path | None
    proxy: str | None
    ca_file: str | Path | None
    insecure_http: bool | None
    config: str | Path | None
    signing_key: Signer | str | Path | None
    signing_audience: str | Sequence[str] | None


def find_profile(
    *,
    url: str | None = None,
    token: str | None = None,
    token_file: str | Path | None = None,
    proxy: str | None = None,
    ca_file: str | Path | None = None,
    insecure_http: bool | None = None,
    config: str | Path | None = None,
    signing_key: Signer | str | Path | None = None,
    signing_audience: str | Sequence[str] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Profile:
    """Return the address and token to use: each from its argument, else the environment, else the file.

    The environment is ``CLAWTRAIL_URL``, ``CLAWTRAIL_TOKEN``, ``CLAWTRAIL_TOKEN_FILE``, ``CLAWTRAIL_PROXY``,
    ``CLAWTRAIL_CA_FILE``, ``CLAWTRAIL_SIGNING_KEY``, ``CLAWTRAIL_SIGNING_AUDIENCE`` and
    ``CLAWTRAIL_INSECURE_HTTP=1``; ``WORKER_URL`` and ``WORKER_TOKEN`` are taken too. The file is *config*, or
    ``$CLAWTRAIL_CLIENT_CONFIG``, or ``~/.config/clawtrail/client.toml`` if it exists.

    Raises ``NotConfigured``, with a sentence on what to set, when something is missing or unsafe.
    """
    env = os.environ if environ is None else environ
    stored = _read_config(config or env.get("CLAWTRAIL_CLIENT_CONFIG"), env)
    address = url or env.get("CLAWTRAIL_URL") or env.get("WORKER_URL") or _text(stored, "url")
    if not address:
        raise NotConfigured(
            "No server is configured: set CLAWTRAIL_URL (for example http://127.0.0.1:3456) "
            "or `url` in ~/.config/clawtrail/client.toml."
        )
    if insecure_http is None:
        insecure_http = env.get("CLAWTRAIL_INSECURE_HTTP") == "1" or stored.get("insecure_http") is True
    return Profile(
        url=_checked_url(address, insecure_http=insecure_http),
        token=_find_token(token, token_file, stored, env),
        proxy=proxy or env.get("CLAWTRAIL_PROXY") or _text(stored, "proxy"),
        ca_file=_checked_ca_file(ca_file or env.get("CLAWTRAIL_CA_FILE") or _text(stored, "ca_file")),
        signing_key=signing_key or env.get("CLAWTRAIL_SIGNING_KEY") or _text(stored, "signing_key"),
        signing_audience=(
            signing_audience or env.get("CLAWTRAIL_SIGNING_AUDIENCE") or _text(stored, "signing_audience")
        ),
    )


def _find_token(
    token: str | None, token_file: str | Path | None, stored: Mapping[str, object], env: Mapping[str, str]
) -> str:
    if token:
        return _checked_token(token, "the token given")
    if token_file:
        return _token_from(token_file)
    for name in ("CLAWTRAIL_TOKEN", "CLAWTRAIL_TOKEN_FILE", "WORKER_TOKEN"):
        if value := env.get(name):
            return _token_from(value) if name.endswith("_FILE") else _checked_token(value, name)
    if value := _text(stored, "token"):
        return _checked_token(value, "`token` in the configuration file")
    if value := _text(stored, "token_file"):
        return _token_from(value)
    raise NotConfigured(
        "No token is configured: set CLAWTRAIL_TOKEN or CLAWTRAIL_TOKEN_FILE, "
        "or `token` in ~/.config/clawtrail/client.toml."
    )


def _token_from(path: str | Path) -> str:
    try:
        content = Path(path).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text file"
        raise NotConfigured(f"The token file {path} cannot be read: {reason}.") from None
    return _checked_token(content, f"the token file {path}")


def _checked_token(value: str, origin: str) -> str:
    token = value.strip()
    if not token:
        raise NotConfigured(f"There is no token in {origin}: it is empty.")
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise NotConfigured(
            f"There is no usable token in {origin}: it holds blanks or unprintable characters."
        )
    return token


def _checked_ca_file(path: str | Path | None) -> str | None:
    if not path:
        return None
    file = Path(path).expanduser()
    if not file.is_file():
        raise NotConfigured(f"There is no file {file} with certificates to trust.")
    return str(file)


def _checked_url(address: str, *, insecure_http: bool) -> str:
    try:
        parts = urlsplit(address.strip())
        port = parts.port
    except ValueError:
        raise NotConfigured(
            "The server's address is no valid URL; it looks like https://host:port."
        ) from None
    if parts.username is not None or parts.password is not None:
        raise NotConfigured(
            "The server's address must hold no user name or password; the token is set by itself."
        )
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise NotConfigured(
            f"The server's address {address!r} must look like https://host or http://127.0.0.1:3456."
        )
    if parts.scheme == "http" and not insecure_http and not _is_loopback(parts.hostname):
        raise NotConfigured(
            f"Plain http would show the token to everybody on the way to {parts.hostname}: use https, "
            "or allow it with --insecure-http (insecure_http=True)."
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{'' if port is None else f':{port}'}{parts.path.rstrip('/')}"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _read_config(path: str | Path | None, env: Mapping[str, str]) -> dict[str, object]:
    home = Path(env.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    file = Path(path).expanduser() if path else home / "clawtrail" / "client.toml"
    if not path and not file.exists():
        return {}
    try:
        with file.open("rb") as stream:
            stored = tomllib.load(stream)
            mode = os.fstat(stream.fileno()).st_mode
    except OSError as error:
        raise NotConfigured(f"The configuration file {file} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise NotConfigured(f"The configuration file {file} is not valid TOML.") from None
    _check_settings(stored, file, mode)
    return stored


def _check_settings(stored: Mapping[str, object], file: Path, mode: int) -> None:
    for name, value in stored.items():
        if name not in _SETTINGS:
            raise NotConfigured(f"The configuration file {file} has an unknown setting {name!r}.")
        if not isinstance(value, _SETTINGS[name]):
            raise NotConfigured(f"The setting {name!r} in {file} must be a {_SETTINGS[name].__name__}.")
    if "token" in stored and os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise NotConfigured(
            f"The configuration file {file} holds a token and others can read it: chmod 600 {file}"
        )


def _text(stored: Mapping[str, object], name: str) -> str | None:
    value = stored.get(name)
    return value if isinstance(value, str) and value else None
