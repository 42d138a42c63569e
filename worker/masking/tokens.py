"""Masks what has the shape of a token in a stream, however the stream is cut into chunks."""

import re

from worker.masking.known import Span, masked
from worker.masking.shapes import CONTEXT, SHAPES

WHOLE = re.compile(b"|".join(shape.pattern for shape in SHAPES))
_BEGUN = re.compile(b"|".join(shape.begun for shape in SHAPES))
_RUNS = {shape.name: re.compile(shape.run + b"*") for shape in SHAPES if shape.run}
_LONGEST = max(shape.longest for shape in SHAPES)

# Each shape begins with a sign, and nearly all output is told from tokens by having none: either it stands in
# (or just before) a long word, or it is a text that is seldom seen. Only there the large expression is tried.
_LONG = b"w" * 15
_IS_WORD = bytes(ord("w") if (one < 128 and chr(one).isalnum()) or one in b"_-" else 0 for one in range(256))
_SIGN = re.compile(
    rb"g(?=h[pousr]_|ithub_pat_|l[a-z]+-)|A(?=[KS]IA|Iza)|x(?=ox[a-z]-|app-)|[MNO](?=[\w-]{22})|/(?=[\w-]{50})"
    rb"|[sr](?=k_[a-z]{4}_)|s(?=k-)|G(?=OCSPX-)|n(?=pm_)|p(?=ypi-)|e(?=yJ)|:(?=AA)|c(?=t[acrvw]_)"
    rb"|m(?=fa\.)|y(?=a29\.)|S(?=G\.)|h(?=f_)"
    rb"|[Ss](?=(?i:ecret[_-]?access[_-]?key))"
)
_SELDOM = (
    (b"PRIVATE KEY", 0),
    (b"DEK-Info:", 0),
    (b"hooks.slack.com/", 0),
    (b"_authToken=", 0),
    (b"whsec_", 0),
    (b"uthorization", 1),
    (b"earer ", 1),
)
_BEFORE_WORD = 5
_URL = re.compile(rb"://[^\s/:@]{0,64}:[^\s/@]{1,128}@")


def signs(data: bytes) -> list[int]:
    """Give every place where a token may begin; where there is none, there is no whole token in *data*."""
    found = [one.start() for one in _URL.finditer(data)]
    for text, before in _SELDOM:
        at = data.find(text)
        while at >= 0:
            found.append(max(0, at - before))
            at = data.find(text, at + 1)
    words = data.translate(_IS_WORD)
    at = words.find(_LONG)
    while at >= 0:
        end = words.find(0, at)
        end = len(data) if end < 0 else end
        found += [one.start() for one in _SIGN.finditer(data, max(0, at - _BEFORE_WORD), end)]
        at = words.find(_LONG, end)
    return sorted(found)


class TokenStream:
    """One stream from which tokens are masked. *count* is how many were."""

    def __init__(self) -> None:
        self._before = b""
        self._held = b""
        self._run: re.Pattern[bytes] | None = None
        self.count = 0

    def feed(self, data: bytes, *, last: bool = False) -> bytes:
        """Take the next bytes, and give those that are decided: each byte of a token as ``*``."""
        known = len(self._before)
        data = self._before + self._held + data
        spans, at = self._go_on(data, known)
        cut = len(data) if last or self._run else _open_from(data, at)
        for sign in signs(data):
            found = WHOLE.match(data, sign) if at <= sign < cut else None
            if found is None:
                continue
            spans.append(found.span(found.lastgroup or 0))
            self.count += 1
            at = found.end()
            if at == len(data) and not last:
                self._run = _RUNS.get(found.lastgroup or "")
                cut = at
            elif not last:
                cut = _open_from(data, at)
        self._before, self._held = data[max(0, cut - CONTEXT) : cut], data[cut:]
        return masked(data[:cut], spans)[known:]

    def _go_on(self, data: bytes, at: int) -> tuple[list[Span], int]:
        """Mask what still belongs to the token that was begun before."""
        if self._run is None:
            return [], at
        found = self._run.match(data, at)
        end = found.end() if found else at
        if end < len(data):
            self._run = None
        return [(at, end)], end


def _open_from(data: bytes, at: int) -> int:
    """Give where a token may begin that *data* ends in the middle of, from *at* on; else its length."""
    start = max(at, len(data) - _LONGEST)
    if not any(
        text in data[start:] for text in (b"PRIVATE KEY", b"DEK-Info")
    ):  # no other goes over the end of a line
        start = max(start, data.rfind(b"\n", start) + 1)
    found = _BEGUN.search(data, start)
    return found.start() if found else len(data)
