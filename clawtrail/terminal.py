"""Making other people's text harmless on a terminal, where it could move the cursor or hide words."""

from __future__ import annotations

import codecs
import io
import sys
import unicodedata

# Cc: control characters. Cf: invisible ones, among them those that turn the direction of writing.
# Cs: halves of surrogate pairs, which cannot be printed. Zl, Zp: line ends that not every terminal knows.
_HARMFUL = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Without the joiner between them, some scripts and many emoji cannot be written.
_NEEDED = frozenset("\u200c\u200d")


class _Escapes(dict[int, str]):
    """A translation table that fills itself: harmful characters become their escapes, the others stay."""

    def __missing__(self, point: int) -> str:
        character = chr(point)
        harmful = unicodedata.category(character) in _HARMFUL and character not in _NEEDED
        self[point] = _escape(point) if harmful else character
        return self[point]


def _escape(point: int) -> str:
    if point <= 0xFF:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"


_LINE = _Escapes({0x09: "\\t", 0x0A: "\\n", 0x0D: "\\r"})
_TEXT = _Escapes({0x09: "\t", 0x0A: "\n", 0x0D: "\n"})


def one_line(text: str) -> str:
    """Return *text* as one line of printable characters; everything else is shown as its escape."""
    return text.translate(_LINE)


def harmless(text: str) -> str:
    """Return *text* with line ends and tabs as they are, and every other control as its escape.

    A lone carriage return, with which a line can be written over another, becomes a line end.
    """
    return text.replace("\r\n", "\n").translate(_TEXT)


class Feed:
    """Turns the bytes of one stream, as they come, into harmless text; for one thread."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""

    def text_of(self, data: bytes, *, last: bool = False) -> str:
        """Return what can be shown of *data*; halves of characters and of line ends wait for the rest."""
        text = self._held + self._decoder.decode(data, last)
        self._held = "\r" if text.endswith("\r") and not last else ""
        return harmless(text.removesuffix(self._held))


def prepare_streams() -> None:
    """Let standard output and error take any character, and all of what is written to them.

    What their encoding does not have is shown as its escape. Under PYTHONUNBUFFERED the streams have no
    buffer, and then a write that is cut short, by a signal or by a reader who goes away, loses the rest
    without an error; so they get one here, which passes on at once what it takes.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if not isinstance(stream, io.TextIOWrapper):
            continue
        stream.reconfigure(errors="backslashreplace")
        if isinstance(stream.buffer, io.RawIOBase) and stream is getattr(sys, f"__{name}__"):
            buffer = io.BufferedWriter(stream.detach())
            setattr(
                sys, name, io.TextIOWrapper(buffer, stream.encoding, "backslashreplace", write_through=True)
            )
