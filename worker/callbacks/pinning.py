"""Requests to an address that was looked at: a name is resolved once, and what it gave is connected to."""

import socket
import time
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Timeout
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

from clawtrail.unreachable import reason_of
from worker.callbacks import posting
from worker.callbacks.posting import Answer
from worker.callbacks.sink import NotSent

Resolve = Callable[[str, int], Sequence[str]]
"""Gives the addresses of a host. Raises ``OSError``."""

_NAT64 = IPv6Network("64:ff9b::/96")


def resolve(host: str, port: int) -> list[str]:
    """Ask the system for the addresses of *host*, in its order."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def post(
    url: str,
    body: bytes,
    *,
    headers: Mapping[str, str],
    private: bool = False,
    ca_file: str | None = None,
    resolve: Resolve = resolve,
) -> Answer:
    """Post *body*, follow nothing, and give the answer. Raises ``NotSent``.

    The name is resolved once. If anything that it stands for is no address of the open internet (*private*
    allows those of the own network too), nothing is asked. TLS is for the name, not for the address.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        addresses = resolve(host, port)
    except (OSError, UnicodeError) as error:
        raise NotSent(f"no answer: {reason_of(error)}") from None
    if not addresses:
        raise NotSent("no answer: there is no computer of that name")
    for address in addresses:
        if not is_allowed(address, private=private):
            raise NotSent(f"{host} is at {address}, where no callback may go", again=False)
    sent = {**headers, "Host": parts.netloc, "Accept-Encoding": "identity", "User-Agent": "clawtrail"}
    until = time.monotonic() + posting.TIMEOUT_S
    for number, address in enumerate(addresses, 1):
        try:
            return _ask(parts, (address, port), body, headers=sent, ca_file=ca_file, until=until)
        except (NewConnectionError, ConnectTimeoutError) as error:
            if number == len(addresses):
                raise NotSent(f"no answer: {reason_of(error)}") from None
        except (HTTPError, OSError) as error:
            raise NotSent(f"no answer: {reason_of(error)}") from None
    raise AssertionError  # the last address returns or raises


def is_allowed(address: str, *, private: bool) -> bool:
    """Tell whether a callback may go to *address*.

    Never to one of the link alone, where clouds have their metadata, to many at once, or to none.
    """
    inner = _inner(ip_address(address.partition("%")[0]))
    if inner.is_link_local or inner.is_multicast or inner.is_unspecified:
        return False
    return inner.is_global or (private and (inner.is_private or inner.is_loopback))


def _inner(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Give the IPv4 address that an IPv6 address stands for, where it does; else the address."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1] or address


def _ask(
    parts: SplitResult,
    place: tuple[str, int],
    body: bytes,
    *,
    headers: Mapping[str, str],
    ca_file: str | None,
    until: float,
) -> Answer:
    timeout = Timeout(connect=posting.TIMEOUT_S, read=posting.TIMEOUT_S)
    pool: HTTPConnectionPool
    if parts.scheme == "https":
        trusted = ca_file or DEFAULT_CA_BUNDLE_PATH
        pool = HTTPSConnectionPool(
            *place, cert_reqs="CERT_REQUIRED", ca_certs=trusted, server_hostname=parts.hostname
        )
    else:
        pool = HTTPConnectionPool(*place)
    target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    with pool:
        response = pool.urlopen(
            "POST",
            target,
            body=body,
            headers=headers,
            retries=False,
            redirect=False,
            assert_same_host=False,
            timeout=timeout,
            preload_content=False,
        )
        return Answer(response.status, response.headers, posting.read(response, until))
