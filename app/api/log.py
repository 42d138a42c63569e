"""The log over HTTP: checkpoints, tiles and entries as C2SP tlog-tiles has them, and single proofs."""

from __future__ import annotations

import gzip
from base64 import b64encode
from typing import Annotated, Any

from flask import Response
from pydantic import Field
from sqlalchemy import Connection

from app.api import answers
from app.api.models import Instant, Wire
from app.api.routing import ANYONE, AUDITORS, Call, Nothing, Routes
from app.domain.errors import BeyondRecord, InvalidRequest
from app.services import tree
from app.services.tree import Tree
from clawtrail.formats import tiles
from clawtrail.formats.merkle import BeyondTree
from clawtrail.formats.tiles import EntryTooLarge, NotATile, Tile

routes = Routes("log")
FOR_GOOD = "private, max-age=31536000, immutable"
MUTABLE = "no-cache"

Size = Annotated[Instant, Field(ge=1)]


class AskInclusion(Wire):
    """Which event is to be proven, in a record of which size; that of the newest checkpoint by default."""

    seq: Instant
    size: Size | None = None


class AskConsistency(Wire):
    """Between which sizes of the record; up to the one of the newest checkpoint by default."""

    from_: Size = Field(alias="from")
    to: Size | None = None


@routes("GET", "/log/checkpoint", roles=ANYONE)
def get_checkpoint(call: Call[Nothing, Nothing]) -> Response:
    """Return the newest checkpoint, a signed note."""
    return text(call.service.checkpoint().note)


@routes("GET", "/log/key", roles=ANYONE)
def get_key(call: Call[Nothing, Nothing]) -> Response:
    """Return the verifier key that checks the checkpoints."""
    return text(f"{call.service.signing.verifier}\n")


@routes("GET", "/log/tile/{tile}", roles=AUDITORS)
def get_tile(call: Call[Nothing, Nothing], tile: str) -> Response:
    """Return the hashes of a tile, 32 bytes each; full or partial, as far as the record is signed."""
    asked = _find(call, f"tile/{tile}")
    level = asked.level or 0
    data = call.service.read(lambda conn: tree.tile(conn, level, asked.nr, asked.width))
    return _bytes(data)


@routes("GET", "/log/tile/entries/{bundle}", roles=AUDITORS)
def get_bundle(call: Call[Nothing, Nothing], bundle: str) -> Response:
    """Return the events of a tile, each as its canonical JSON behind its length in two bytes."""
    return _bundle(call, bundle)


@routes("GET", "/log/entries/{bundle}", roles=AUDITORS)
def get_entries(call: Call[Nothing, Nothing], bundle: str) -> Response:
    """Return what ``/log/tile/entries/`` does, at a shorter address."""
    return _bundle(call, bundle)


def _bundle(call: Call[Nothing, Nothing], bundle: str) -> Response:
    asked = _find(call, f"tile/entries/{bundle}")
    texts = call.service.read(lambda conn: tree.entries(conn, asked.nr, asked.width))
    try:
        data = tiles.encode_bundle(one.encode() for one in texts)
    except EntryTooLarge as error:
        raise InvalidRequest("An event here is larger than a bundle can hold; see /events.") from error
    response = _bytes(data)
    response.headers["Vary"] = "Accept-Encoding"
    if call.request.accept_encodings.quality("gzip"):
        response.set_data(gzip.compress(data, compresslevel=6, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    return response


@routes(
    "GET",
    "/log/proof/inclusion",
    roles=ANYONE,
    query=AskInclusion,
    answers=answers.InclusionProof,
)
def prove_inclusion(call: Call[Nothing, AskInclusion]) -> dict[str, Any]:
    """Prove that an event is in the record of some size."""
    seq, size = call.query.seq, _size(call, call.query.size)

    def look(conn: Connection) -> dict[str, Any]:
        grown = Tree(conn, size)
        hashes = grown.inclusion(seq)
        return {
            "seq": seq,
            "size": size,
            "leaf": _base64(tree.leaf_of(conn, seq)),
            "root": _base64(grown.root()),
            "hashes": [_base64(one) for one in hashes],
        }

    try:
        return call.service.read(look)
    except BeyondTree as error:
        raise InvalidRequest(f"Event {seq} is not in a record of {size} events.") from error


@routes(
    "GET",
    "/log/proof/consistency",
    roles=ANYONE,
    query=AskConsistency,
    answers=answers.ConsistencyProof,
)
def prove_consistency(call: Call[Nothing, AskConsistency]) -> dict[str, Any]:
    """Prove that the record of one size begins with the record of an earlier one."""
    old, new = _size(call, call.query.from_), _size(call, call.query.to)

    def look(conn: Connection) -> dict[str, Any]:
        grown = Tree(conn, new)
        return {
            "from": old,
            "to": new,
            "fromRoot": _base64(tree.root(conn, old)),
            "toRoot": _base64(grown.root()),
            "hashes": [_base64(one) for one in grown.consistency(old)],
        }

    try:
        return call.service.read(look)
    except BeyondTree as error:
        raise InvalidRequest(f"A record of {new} events does not begin with one of {old}.") from error


def text(said: str) -> Response:
    """Return *said* as plain text that is to be asked for anew each time."""
    response = Response(said, content_type="text/plain; charset=utf-8")
    response.headers["Cache-Control"] = MUTABLE
    return response


def _find(call: Call[Any, Any], path: str) -> Tile:
    """Return the tile at *path*; refuse a wrong path, and one beyond what is signed."""
    try:
        asked = tiles.parse_path(path)
    except NotATile as error:
        raise InvalidRequest(f"{error}.") from error
    if asked.width > tiles.width_at(asked.level, asked.nr, call.service.checkpoint().size):
        raise BeyondRecord
    return asked


def _size(call: Call[Any, Any], size: int | None) -> int:
    signed = call.service.checkpoint().size
    if size is not None and size > signed:
        raise BeyondRecord
    return signed if size is None else size


def _bytes(data: bytes) -> Response:
    response = Response(data, content_type="application/octet-stream")
    response.headers["Cache-Control"] = FOR_GOOD
    return response


def _base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")
