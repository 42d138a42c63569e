"""Why there was no answer, in a few words taken out of the depths of an HTTP library's error."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import requests
from urllib3.exceptions import ReadTimeoutError


def reason_of(error: BaseException) -> str:
    """Return a few words on why *error* was raised; never a header, a body or a token."""
    if isinstance(error, requests.ConnectTimeout):
        return "the connection was not made in time"
    if isinstance(error, requests.Timeout | ReadTimeoutError | TimeoutError):
        return "it did not answer in time"
    return next(filter(None, map(_words, _causes(error))), "the connection broke")


def _words(cause: BaseException) -> str | None:
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its TLS certificate is not accepted ({cause.verify_message})"
    if isinstance(cause, ssl.SSLError):
        return "it does not speak TLS as expected"
    if isinstance(cause, socket.gaierror):
        return "there is no computer of that name"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror.lower()
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield *error* and all that it wraps; urllib3 and requests hide causes in arguments and attributes."""
    seen: set[int] = set()
    pending: list[object] = [error]
    while pending:
        cause = pending.pop()
        if isinstance(cause, BaseException) and id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            pending += [*cause.args, cause.__cause__, cause.__context__, getattr(cause, "reason", None)]
