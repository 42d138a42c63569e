"""Kind ``file-edit``: a piece of text in a file replaced by another, the rest untouched to the byte."""

import hashlib
import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, JsonValue
from pydantic.alias_generators import to_camel

from worker.executors import beneath
from worker.executors.diffs import unified
from worker.executors.files import encoded, find_status, is_same, read_whole, replace
from worker.executors.paths import FileTrouble, resolve
from worker.items import Ending
from worker.orders import Beneath, Order, Run


class _Payload(BaseModel):
    model_config = ConfigDict(strict=True, alias_generator=to_camel)

    path: str
    old_string: str
    new_string: str
    replace_all: bool = False


def run(order: Order, run: Run) -> Ending:
    """Replace the one occurrence of *oldString*, or all with *replaceAll*; no character is special.

    Metadata: sha256Before, sha256After, bytes, created, replacements, and diff (null where it would be
    too large). The digest of a content with a secret in it is null. Raises pydantic's ``ValidationError``.
    """
    payload = _Payload.model_validate(order.payload)
    try:
        return Ending(0, metadata=_edit(payload, order.beneath, run))
    except FileTrouble as error:
        return Ending(1, str(error), "failed")


def _edit(payload: _Payload, place: Beneath | None, run: Run) -> dict[str, JsonValue]:
    path = resolve(payload.path)
    shown = payload.path
    content = read_whole(path, shown) if place is None else beneath.read_whole(place, shown)
    old = encoded(payload.old_string)
    count = content.data.count(old) if old else 0
    if not old:
        raise FileTrouble("old_string is empty")
    if count == 0:
        raise FileTrouble("old_string not found")
    if count > 1 and not payload.replace_all:
        raise FileTrouble(f"old_string not unique ({count} occurrences)")
    data = content.data.replace(old, encoded(payload.new_string))
    if place is None:
        _check_unchanged(path, content.status, shown)
        replace(path, data, shown, digest=run.digest)
    else:
        beneath.replace(place, data, shown, digest=run.digest, read=content.status)
    return {
        "sha256Before": _digest(content.data, run),
        "sha256After": _digest(data, run),
        "bytes": len(data),
        "created": False,
        "replacements": count,
        "diff": unified(content.data, data, payload.path),
    }


def _digest(data: bytes, run: Run) -> str | None:
    return None if run.show(data).known else hashlib.sha256(data).hexdigest()


def _check_unchanged(path: Path, read: os.stat_result, shown: str) -> None:
    """Refuse to overwrite what somebody else has written since it was read (a race of moments remains)."""
    now = find_status(path)
    if now is None or not is_same(now, read):
        raise FileTrouble(f"Changed by somebody else in the meantime: {shown}")
