"""Kind ``file-read``: the content of a file or a piece of it, as text or as base64."""

import base64
import hashlib
import stat
from typing import Annotated, Literal

from pydantic import BaseModel, Field, JsonValue

from worker.executors import beneath
from worker.executors.files import MOST_BYTES, opened, read_piece
from worker.executors.paths import FileTrouble, resolve
from worker.items import Ending
from worker.orders import Beneath, Order, Run

_MOST = {"utf8": MOST_BYTES, "base64": MOST_BYTES // 4 * 3}
"""Bytes of the file; base64 makes four characters of three, and both are to fit in one stream."""


class _Payload(BaseModel, strict=True):
    path: str
    encoding: Literal["utf8", "base64"] = "utf8"
    offset: Annotated[int, Field(ge=0)] | None = None
    limit: Annotated[int, Field(ge=0)] | None = None


def run(order: Order, run: Run) -> Ending:
    """Write the content to stdout. Metadata: sha256 (of what was read), size (of the file), mode, encoding.

    With *offset* or *limit*, both in bytes, a piece is read; metadata then has offset and length
    of the piece, which as text is narrowed to whole characters. Secrets in it are masked, before it is
    made base64; where one of this machine's own was, sha256 is null. Raises pydantic's ``ValidationError``.
    """
    payload = _Payload.model_validate(order.payload)
    try:
        data, metadata = _read(payload, order.beneath)
    except FileTrouble as error:
        return Ending(1, str(error), "failed")
    shown = run.show(data)
    if shown.known:  # its digest would tell whether a guess of the secret is right
        metadata["sha256"] = None
    content = base64.b64encode(shown.data) if payload.encoding == "base64" else shown.data
    run.write("stdout", content, masked=shown.known + shown.tokens)
    return Ending(0, metadata=metadata)


def _read(payload: _Payload, place: Beneath | None) -> tuple[bytes, dict[str, JsonValue]]:
    is_piece = payload.offset is not None or payload.limit is not None
    most = _MOST[payload.encoding]
    offset = payload.offset or 0
    shown = payload.path
    opening = opened(resolve(shown), shown) if place is None else beneath.opened(place, shown)
    with opening as (descriptor, status):
        data = read_piece(descriptor, offset, most + 1 if payload.limit is None else payload.limit)
    if len(data) > most:
        raise FileTrouble(
            f"File too large: {payload.path} has {status.st_size} bytes, the most is {most} at once;"
            " read it in pieces with offset and limit"
        )
    if payload.encoding == "utf8":
        start, data = _whole_characters(data) if is_piece else (0, data)
        offset += start
        _check_text(data, payload.path)
    mode = f"{stat.S_IMODE(status.st_mode):04o}"
    metadata: dict[str, JsonValue] = {"sha256": hashlib.sha256(data).hexdigest(), "size": status.st_size}
    metadata |= {"mode": mode, "encoding": payload.encoding}
    if is_piece:
        metadata |= {"offset": offset, "length": len(data)}
    return data, metadata


def _whole_characters(data: bytes) -> tuple[int, bytes]:
    """Leave out parts of characters at both ends; give how many bytes at the start, and the rest."""
    start = 0
    while start < min(3, len(data)) and data[start] & 0b1100_0000 == 0b1000_0000:
        start += 1
    for back in range(1, min(4, len(data) - start) + 1):
        lead = data[-back]
        if lead & 0b1100_0000 == 0b1000_0000:
            continue
        length = 4 if lead >= 0xF0 else 3 if lead >= 0xE0 else 2 if lead >= 0xC0 else 1
        return start, data[start:-back] if length > back else data[start:]
    return start, data[start:]


def _check_text(data: bytes, shown: str) -> None:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        raise FileTrouble(
            f"Not UTF-8 text: {shown}, at byte {error.start}; read it with encoding base64"
        ) from None
