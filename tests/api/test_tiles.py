"""GET /log/tile/...: hashes and entries as C2SP tlog-tiles wants them, as far as the record is signed."""

from __future__ import annotations

import gzip

import pytest

from clawtrail.formats import merkle, tiles
from clawtrail.formats.leaves import leaf
from tests.support import cast
from tests.support.service import Caller, RunningService

OF_ONE = {"command": "true"}


@pytest.fixture
def odo(service: RunningService) -> Caller:
    """Odo, who audits, with a record of two full tiles and some."""
    ada = service.as_(cast.ADA)
    for _ in range(6):
        assert ada.post("/tasks/batch", {"tasks": [OF_ONE] * 100}).status_code == 200
    service.pass_time(1000)
    return service.as_(cast.ODO)


def get(caller: Caller, path: str) -> bytes:
    """Return the bytes at *path* below the address of the log."""
    response = caller.get(f"/log/{path}")
    assert response.status_code == 200, response.text
    assert response.content_type == "application/octet-stream"
    assert response.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    return bytes(response.data)


def test_tiles_lead_to_the_signed_root(service: RunningService, odo: Caller) -> None:
    """From the tiles alone, full and partial, a stranger computes the root of the checkpoint."""
    signed = service.inside.checkpoint()
    last = signed.size - 512
    assert 0 < last < 256
    lowest = get(odo, "tile/0/000") + get(odo, "tile/0/001") + get(odo, f"tile/0/002.p/{last}")
    assert (
        merkle.root(
            tiles.split_hashes(lowest[:8192])
            + tiles.split_hashes(lowest[8192:16_384])
            + tiles.split_hashes(lowest[16_384:])
        )
        == signed.root
    )
    above = tiles.split_hashes(get(odo, "tile/1/000.p/2"))
    assert above == [merkle.fold(tiles.split_hashes(lowest[at : at + 8192])) for at in (0, 8192)]


@pytest.mark.parametrize("address", ["tile/entries", "entries"])
def test_entries_hash_to_their_tile(service: RunningService, odo: Caller, address: str) -> None:
    """Each entry of a bundle hashes to the leaf at its place, in full and in partial bundles."""
    last = service.inside.checkpoint().size - 512
    for name in ("000", "001", f"002.p/{last}", "000.p/7"):
        entries = tiles.decode_bundle(get(odo, f"{address}/{name}"))
        hashes = tiles.split_hashes(get(odo, f"tile/0/{name}"))
        assert [leaf(entry.decode()) for entry in entries] == hashes


def test_bundles_travel_packed(odo: Caller) -> None:
    """Who takes gzip gets the same bundle packed."""
    plain = odo.get("/log/tile/entries/000")
    packed = odo.get("/log/tile/entries/000", headers={"Accept-Encoding": "gzip, identity"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(packed.data) == plain.data
    assert len(packed.data) < len(plain.data) / 2
    assert "Content-Encoding" not in plain.headers


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/002",
        "tile/0/003",
        "tile/1/000",
        "tile/1/000.p/3",
        "tile/2/000.p/1",
        "tile/63/000.p/1",
        "tile/0/x123/456",
        "tile/entries/002",
        "tile/entries/900",
        "entries/002",
    ],
)
def test_what_is_not_there_is_not_found(odo: Caller, path: str) -> None:
    """Tiles that are not full yet, or of no event at all, are not served."""
    response = odo.get(f"/log/{path}")
    assert (response.status_code, response.get_json()["code"]) == (404, "beyond_record")


def test_what_is_not_signed_is_not_served(service: RunningService, odo: Caller) -> None:
    """Events that no checkpoint covers yet are in no tile, until one does."""
    size = service.inside.checkpoint().size
    service.as_(cast.ADA).post("/tasks", OF_ONE)
    wider = f"/log/tile/0/002.p/{size - 512 + 1}"
    assert odo.get(wider).status_code == 404
    service.pass_time(1000)
    assert odo.get(wider).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/0",
        "tile/0/0000",
        "tile/00/000",
        "tile/-1/000",
        "tile/64/000",
        "tile/0/x000/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000/",
        "tile/0",
        "tile/entries/0",
        "tile/entries/000.p/300",
        "tile/0/%F0%9F%90%9D",
        "entries/1/000",
    ],
)
def test_other_spellings_are_refused(odo: Caller, path: str) -> None:
    """A tile has one address; whatever else is tried is answered with a sentence."""
    response = odo.get(f"/log/{path}")
    assert (response.status_code, response.get_json()["code"]) == (400, "invalid_request")


def test_clients_and_workers_do_not_read_entries(service: RunningService) -> None:
    """Entries tell of everybody's tasks, so they are for auditors and admins; so are tiles."""
    for person in (cast.ADA, cast.WIM, cast.ANN):
        for path in ("tile/0/000.p/1", "tile/entries/000.p/1", "entries/000.p/1"):
            assert service.as_(person).get(f"/log/{path}").status_code == 403
