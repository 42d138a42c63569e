"""The forms in which programs print a value: as it is, encoded, escaped, quoted, backwards."""

import base64
import html
import json
import re
import shlex
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

LEAST_BYTES = 8
"""A shorter value is not looked for: it would hide half of all output."""

_LEAST_LINE = 16
_WRAPS = (64, 76)
"""Where openssl and base64 break lines, in characters."""

_UNSAFE = re.compile(r"[^\w@%+=:,./-]", re.ASCII)
_BASH = re.compile(r"""[\s'"\\|&;()<>!{}*\[?\]^$`,]|^[#~]|(?<=[:=])~""")
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_HEX_ESCAPE = re.compile(r"(\\u[0-9a-f]{4}|\\x[0-9a-f]{2}|%[0-9A-F]{2})")


def forms_of(value: str) -> frozenset[bytes]:
    """Give each form of *value* that is looked for; none where it is too short to be hidden.

    What says the first or last bits of a neighbour as well (base64 begins anywhere) is cut at whole
    characters: see ``frayed_forms_of``.
    """
    data = value.encode(errors="surrogatepass")
    if len(data) < LEAST_BYTES:
        return frozenset()
    found = {data, data[::-1], value[::-1].encode(errors="surrogatepass"), _utf16(value)}
    found |= {text.encode(errors="surrogatepass") for text in _texts(value)}
    found |= set(_wrapped(data))
    lines = [line.strip() for line in value.splitlines()]
    if len(lines) > 1:
        found |= {"\r\n".join(value.splitlines()).encode(errors="surrogatepass")}
        # A key of several lines is printed indented, or in part.
        found |= {
            line.encode(errors="surrogatepass")
            for line in lines
            if len(line) >= _LEAST_LINE and not line.startswith("-----")
        }
    return frozenset(form for form in found if len(form) >= LEAST_BYTES)


def frayed_forms_of(value: str) -> frozenset[bytes]:
    """Give the forms after which one more character may hold bits of *value*: base64 in its three alignments.

    The first character, which it shares with what stands before it, is there in each of its 4 or 16 shapes.
    """
    data = value.encode(errors="surrogatepass")
    if len(data) < LEAST_BYTES:
        return frozenset()
    found = {_whole(data, 0)}
    found |= {_whole(bytes([bits]) + data, 1) for bits in range(4)}
    found |= {_whole(bytes([0, bits]) + data, 2) for bits in range(16)}
    return frozenset(found | {form.translate(_URL_SAFE) for form in found})


def _whole(data: bytes, skipped: int) -> bytes:
    """Give the base64 of *data* without its first *skipped* characters, and without a last one shared."""
    return base64.b64encode(data).rstrip(b"=")[skipped : len(data) * 8 // 6]


def _wrapped(data: bytes) -> Iterator[bytes]:
    """Give the lines of base64 that is broken into lines, as programs print what they encode alone."""
    for content in (data, data + b"\n"):
        text = base64.b64encode(content)
        for width in _WRAPS:
            if len(text) > width:
                lines = [text[at : at + width] for at in range(0, len(text), width)]
                yield b"\n".join(lines)
                yield from (line for line in lines if len(line) >= _LEAST_LINE)


def _utf16(value: str) -> bytes:
    return value.encode("utf-16-le", errors="surrogatepass")


def _texts(value: str) -> Iterator[str]:
    for text in (*_json(value), *_urls(value), *_hexes(value), *_shells(value), *_html(value)):
        yield text
        upper = _HEX_ESCAPE.sub(lambda found: found[0][:2] + found[0][2:].upper(), text)
        yield upper
        yield _HEX_ESCAPE.sub(lambda found: found[0].lower(), text)


def _json(value: str) -> Iterator[str]:
    plain, ascii_only = json.dumps(value, ensure_ascii=False)[1:-1], json.dumps(value)[1:-1]
    for text in (plain, ascii_only):
        yield text
        yield text.replace("/", "\\/")
        yield re.sub("[<>&]", lambda found: f"\\u{ord(found[0]):04x}", text)  # as Go writes it
        yield json.dumps(text)[1:-1]
    units = _utf16(value)
    yield "".join(f"\\u{low | high << 8:04x}" for low, high in zip(units[::2], units[1::2], strict=True))


def _urls(value: str) -> Iterator[str]:
    data = value.encode(errors="surrogatepass")
    for safe in ("", "/", "!*'()", "/:?#[]@!$&'()*+,;="):
        yield quote(data, safe=safe)
        yield quote_plus(data, safe=safe)
    yield "".join(f"%{byte:02X}" for byte in data)


def _hexes(value: str) -> Iterator[str]:
    data = value.encode(errors="surrogatepass")
    for text in (data.hex(), data.hex(" "), data.hex(":")):
        yield text
        yield text.upper()
    yield "".join(f"\\x{byte:02x}" for byte in data)


def _shells(value: str) -> Iterator[str]:
    """Give the inside of what shells print so that it can be read back, and of Python's repr."""
    yield shlex.quote(value).strip("'") if "'" in value else value
    yield value.replace("'", "'\\''")
    yield value.replace("'", "'\"'\"'")
    yield value.replace("'", "''")  # PowerShell and SQL
    yield _UNSAFE.sub(lambda found: f"\\{found[0]}", value)
    yield _BASH.sub(lambda found: f"\\{found[0]}", value)
    yield re.sub(r'[\\"$`]', lambda found: f"\\{found[0]}", value)
    yield re.sub(r'[\\"$`!]', lambda found: f"\\{found[0]}", value)
    yield repr(value)[1:-1]
    yield ascii(value)[1:-1]
    data = value.encode(errors="surrogatepass")
    yield "".join(_ansi_c(byte, f"\\{byte:03o}") for byte in data)
    yield "".join(_ansi_c(byte, f"\\x{byte:02x}") for byte in data)
    readable = "".join(_ansi_c(ord(one), one) if ord(one) < 128 else one for one in value)
    yield readable


def _ansi_c(byte: int, escaped: str) -> str:
    """Give one byte as it stands in $'...'."""
    named = {7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r", 27: "\\E"}
    if byte in named:
        return named[byte]
    if byte in b"'\\":
        return f"\\{chr(byte)}"
    return chr(byte) if 32 <= byte < 127 else escaped


def _html(value: str) -> Iterator[str]:
    yield html.escape(value)
    yield html.escape(value, quote=False)
    yield html.escape(value).replace("&#x27;", "&#39;")
    yield html.escape(value).replace("&#x27;", "&apos;")
