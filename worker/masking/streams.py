"""What a worker masks: known values, and whatever has the shape of a token."""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

from pydantic import JsonValue

from worker.masking.known import Known, KnownStream
from worker.masking.tokens import TokenStream

_PIECE = 1024 * 1024


class Shown(NamedTuple):
    """Data as it may be shown, as long as before. *known* and *tokens* count what is masked in it."""

    data: bytes
    known: int
    tokens: int


class MaskedStream:
    """One stream, masked as it comes. Used by one thread."""

    def __init__(self, known: Known | None) -> None:
        self._known = KnownStream(known) if known else None
        self._tokens = TokenStream()

    def feed(self, data: bytes, *, last: bool = False) -> bytes:
        """Take the next bytes; give those that are decided. All that were taken are given in the end."""
        if self._known is not None:
            data = self._known.feed(data, last=last)
        return self._tokens.feed(data, last=last) if data or last else data

    @property
    def known(self) -> int:
        """How many known values were masked."""
        return self._known.count if self._known else 0

    @property
    def count(self) -> int:
        """How many values and tokens were masked."""
        return self.known + self.tokens

    @property
    def tokens(self) -> int:
        """How many other tokens were masked."""
        return self._tokens.count


class Masking:
    """Masks with one set of known values. Threads may share it."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        """Take the *values* that nobody is to see; too short ones are left out."""
        known = Known(values)
        self._known = known or None

    def stream(self) -> MaskedStream:
        """Begin a stream."""
        return MaskedStream(self._known)

    def show(self, data: bytes) -> Shown:
        """Mask *data*, which is whole."""
        stream = self.stream()
        shown = stream.feed(data, last=True)
        return Shown(shown, stream.known, stream.tokens)

    def text(self, text: str) -> str:
        """Mask a text: values and tokens as stars, a star for each byte."""
        return self._text(text)[0]

    def json(self, value: JsonValue) -> tuple[JsonValue, int]:
        """Mask every text in *value*, names included; give the rest as it is, and how many were masked."""
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, Mapping):
            pairs = [(self._text(name), self.json(one)) for name, one in value.items()]
            masked: JsonValue = {name: one for (name, _), (one, _) in pairs}
            return masked, sum(names + ones for (_, names), (_, ones) in pairs)
        if isinstance(value, Sequence):
            members = [self.json(one) for one in value]
            return [one for one, _ in members], sum(count for _, count in members)
        return value, 0

    def digest(self, descriptor: int) -> str | None:
        """Give the SHA-256 of what is left to read of an open file, None where a known value is in it.

        All but a short value could be known of the file, and be tried until its digest is the same.
        """
        sha, stream = sha256(), self.stream()
        with open(descriptor, "rb", closefd=False) as file:
            while data := file.read(_PIECE):
                sha.update(data)
                if self._known is not None:
                    stream.feed(data)
        stream.feed(b"", last=True)
        return None if stream.known else sha.hexdigest()

    def _text(self, text: str) -> tuple[str, int]:
        shown = self.show(text.encode(errors="surrogatepass"))
        count = shown.known + shown.tokens
        return (shown.data.decode(errors="surrogatepass"), count) if count else (text, 0)


SHAPES_ALONE = Masking()
"""For a machine without secrets."""
