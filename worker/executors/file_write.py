"""Kind ``file-write``: a file with exactly the given bytes."""

import base64
import binascii
import hashlib
from typing import Literal

from pydantic import BaseModel

from worker.executors import beneath
from worker.executors.files import encoded, replace
from worker.executors.paths import FileTrouble, resolve
from worker.items import Ending
from worker.orders import Order, Run


class _Payload(BaseModel, strict=True):
    path: str
    content: str
    encoding: Literal["utf8", "base64"] = "utf8"


def run(order: Order, run: Run) -> Ending:
    """Write the file, whole or not at all.

    Metadata: sha256Before (null for a new file), sha256After, bytes, created. The digest of a content with a
    secret in it is null, too. Raises pydantic's ``ValidationError``.
    """
    payload = _Payload.model_validate(order.payload)
    try:
        data = _decoded(payload)
        place, shown = order.beneath, payload.path
        if place is None:
            was = replace(resolve(shown), data, shown, digest=run.digest)
        else:
            was = beneath.replace(place, data, shown, digest=run.digest)
    except FileTrouble as error:
        return Ending(1, str(error), "failed")
    return Ending(
        0,
        metadata={
            "sha256Before": was.sha256,
            "sha256After": None if run.show(data).known else hashlib.sha256(data).hexdigest(),
            "bytes": len(data),
            "created": not was.there,
        },
    )


def _decoded(payload: _Payload) -> bytes:
    if payload.encoding == "utf8":
        return encoded(payload.content)
    try:
        return base64.b64decode(payload.content, validate=True)
    except binascii.Error as error:
        raise FileTrouble(f"The content is not base64: {error}") from None
