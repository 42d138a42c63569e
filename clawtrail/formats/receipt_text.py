"""The text of a receipt: blocks of one event each, with proof and content, and a checkpoint at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from clawtrail.formats.leaves import SALT_BYTES
from clawtrail.formats.lines import BadLine, Lines
from clawtrail.formats.spelling import Misspelled, base64_of, bytes_of
from clawtrail.formats.tlog_proofs import body_of, take_body

HEADER = "clawtrail receipt v1"
MAX_BYTES = 64 * 1024 * 1024
"""The most that a receipt may have: the largest content of a task with both of its streams fits."""


class ReceiptRejected(ValueError):
    """The receipt does not prove what it says; the message names the line and says why."""


@dataclass(frozen=True, slots=True)
class Content:
    """What an event has only a salted digest of: the exact text, and the salt."""

    salt: bytes
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One event of a receipt: its canonical text, its place in the record, and the proof of that.

    ``payload`` belongs to the submission. ``outcome`` belongs to an event that tells of one; its
    text is the canonical JSON that its digest is made of, and ``stdout`` and ``stderr`` are the
    kept bytes of the streams, under the same salt. What was redacted or left out is None.
    """

    text: str
    index: int
    proof: tuple[bytes, ...]
    payload: Content | None = None
    outcome: Content | None = None
    stdout: bytes | None = None
    stderr: bytes | None = None
    line: int = field(default=1, compare=False)

    def line_of(self, name: str) -> int:
        """Return the number of the first line of this entry that is called *name* (see ``lines_of``)."""
        return self.line + [word for word, _ in lines_of(self)].index(name)


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt as it was read, with nothing in it checked yet; ``line`` is where the checkpoint begins."""

    entries: tuple[Entry, ...]
    checkpoint: str
    line: int = field(default=1, compare=False)


def encode(entries: Sequence[Entry], checkpoint: str) -> str:
    """Return the text of a receipt; the checkpoint is the signed note."""
    lines = [HEADER, ""]
    for entry in entries:
        lines += [line for _, line in lines_of(entry)]
        lines.append("")
    lines.append("checkpoint")
    return "".join(f"{line}\n" for line in lines) + checkpoint


def lines_of(entry: Entry) -> list[tuple[str, str]]:
    """Return the lines of an entry's block, each behind the word for what it is."""
    lines = [("event", f"event {entry.text}")]
    lines += [("proof", line) for line in body_of(entry.index, entry.proof)]
    for name, content in (("payload", entry.payload), ("outcome", entry.outcome)):
        if content is not None:
            lines.append((name, f"{name} {base64_of(content.salt)} {content.text}"))
    for name, data in (("stdout", entry.stdout), ("stderr", entry.stderr)):
        if data is not None:
            lines.append((name, f"{name} {base64_of(data)}"))
    return lines


def parse(text: str | bytes) -> Receipt:
    """Return the receipt that *text* spells; there is no other text of it. Raises ``ReceiptRejected``."""
    lines = _open(text)
    try:
        lines.take_exactly(HEADER)
        lines.take_exactly("")
        entries = [_take_entry(lines)]
        while lines.is_next("event"):
            entries.append(_take_entry(lines))
        number = lines.number
        if lines.take() != "checkpoint":
            raise BadLine(number, "neither an event nor the checkpoint begins here")  # noqa: TRY301 - one way out
    except BadLine as error:
        raise ReceiptRejected(str(error)) from error
    return Receipt(tuple(entries), line=lines.number, checkpoint=lines.rest())


def _open(text: str | bytes) -> Lines:
    try:
        data = text.encode() if isinstance(text, str) else text
        if len(data) > MAX_BYTES:
            raise ReceiptRejected(f"a receipt has at most {MAX_BYTES} bytes")
        return Lines(data.decode())
    except UnicodeDecodeError as error:
        number = error.object.count(b"\n", 0, error.start) + 1
        raise ReceiptRejected(f"line {number}: it is not UTF-8") from error
    except UnicodeEncodeError as error:
        raise ReceiptRejected("it is not UTF-8") from error
    except BadLine as error:
        raise ReceiptRejected(str(error)) from error


def _take_entry(lines: Lines) -> Entry:
    line, text = lines.number, lines.take_after("event")
    index, proof = take_body(lines)
    entry = Entry(
        line=line,
        text=text,
        index=index,
        proof=proof,
        payload=_take_content(lines, "payload"),
        outcome=_take_content(lines, "outcome"),
        stdout=_take_bytes(lines, "stdout"),
        stderr=_take_bytes(lines, "stderr"),
    )
    lines.take_exactly("")
    return entry


def _take_content(lines: Lines, name: str) -> Content | None:
    number, found = lines.number, lines.find_after(name)
    if found is None:
        return None
    salt, blank, text = found.partition(" ")
    if not blank:
        raise BadLine(number, f"there is no {name} behind its salt")
    return Content(_decode(number, salt, SALT_BYTES), text)


def _take_bytes(lines: Lines, name: str) -> bytes | None:
    number, found = lines.number, lines.find_after(name)
    return None if found is None else _decode(number, found, None)


def _decode(number: int, text: str, length: int | None) -> bytes:
    try:
        return bytes_of(text, length=length)
    except Misspelled as error:
        raise BadLine(number, str(error)) from error
