"""GET /log/checkpoint and /log/key: the newest checkpoint, signed as the record grows."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sqlalchemy import select

from app.services import tree
from app.storage.tables import checkpoints
from clawtrail.formats.checkpoints import Checkpoint, open_checkpoint
from clawtrail.formats.notes import Verifier
from tests.support import cast
from tests.support.asking import submit
from tests.support.service import Caller, RunningService, running_service


def newest(caller: Caller) -> Checkpoint:
    """Return the newest checkpoint, checked with the key that the server names."""
    key = Verifier.parse(caller.get("/log/key").text.removesuffix("\n"))
    return open_checkpoint(caller.get("/log/checkpoint").data, key)


def sizes(service: RunningService) -> list[int]:
    """Return the sizes of all checkpoints that were kept."""
    query = select(checkpoints.c.size).order_by(checkpoints.c.size)
    return service.read(lambda conn: list(conn.execute(query).scalars()))


def test_there_is_one_from_the_start(service: RunningService, ada: Caller) -> None:
    """The start itself is signed, before anybody can ask."""
    found = newest(ada)
    assert found.size == sizes(service)[0] == 1
    assert found.root == service.read(lambda conn: tree.root(conn, 1))


def test_it_is_plain_text_that_is_not_kept(ada: Caller) -> None:
    """Checkpoint and key are text as the standard wants it, to be asked for anew each time."""
    for path in ("/log/checkpoint", "/log/key"):
        response = ada.get(path)
        assert response.content_type == "text/plain; charset=utf-8"
        assert response.headers["Cache-Control"] == "no-cache"


def test_it_follows_the_record(service: RunningService, ada: Caller) -> None:
    """A second after the last one, the janitor signs what has come since."""
    submit(ada)
    service.tidy()
    assert newest(ada).size == 1
    service.pass_time(1000)
    grown = newest(ada)
    assert grown.size == service.read(tree.size)
    assert grown.root == service.read(lambda conn: tree.root(conn, grown.size))


def test_at_most_one_is_signed_a_second(service: RunningService, ada: Caller) -> None:
    """However much comes and however often the janitor looks, a second has one checkpoint."""
    service.pass_time(1000)
    before = len(sizes(service))
    for _ in range(10):
        submit(ada)
        service.pass_time(100)
    assert len(sizes(service)) == before + 1


def test_a_quiet_record_is_not_signed_again(service: RunningService) -> None:
    """Without new events there is no new checkpoint, and no commit, however much time goes by."""
    service.janitor.stop()  # its own round at this moment would be an act, too
    service.pass_time(1000)
    before, acts = sizes(service), service.inside.writer.acts
    for _ in range(5):
        service.pass_time(60_000)
    assert sizes(service) == before
    assert service.inside.writer.acts == acts


def test_events_of_one_second_share_a_checkpoint(service: RunningService, ada: Caller) -> None:
    """What happens within a second of the first unsigned event is signed with it, once."""
    service.pass_time(1000)
    before = sizes(service)
    for _ in range(4):
        submit(ada)
        service.pass_time(240)
    assert sizes(service) == before
    service.pass_time(40)
    assert sizes(service) == [*before, service.read(tree.size)]


def test_a_clock_that_goes_back_does_not_stop_it(service: RunningService, ada: Caller) -> None:
    """When the clock is put back an hour, the record is signed on."""
    service.pass_time(1000)
    submit(ada)
    service.pass_time(-3_600_000)
    assert newest(ada).size == service.read(tree.size)


def test_the_end_is_signed(tmp_path: Path) -> None:
    """The last event of a server that stops is covered by a checkpoint, and the next start adds one."""
    with running_service(tmp_path / "data") as service:
        submit(service.as_(cast.ADA))
    with running_service(tmp_path / "data") as service:
        kept = sizes(service)
        assert kept[-1] == service.read(tree.size) == kept[-2] + 1
        stopped = service.read(lambda conn: tree.entries(conn, 0, kept[-2]))[-1]
        assert '"type":"server.stopped"' in stopped


def test_its_name_is_a_setting(tmp_path: Path) -> None:
    """The origin that the settings name is the one that checkpoints carry."""
    with running_service(tmp_path / "data", log_origin="tasks.example.net/log") as service:
        assert newest(service.as_(cast.WIM)).origin == "tasks.example.net/log"


def test_who_waits_is_answered_by_the_next_one(service: RunningService, ada: Caller) -> None:
    """A wait for a checkpoint that covers an event ends as soon as anybody signs one."""
    submit(ada)
    size = service.read(tree.size)
    waiting = service.meanwhile(lambda: service.inside.signing.covering(size, patience=30))
    assert not waiting.done()
    service.pass_time(1000)
    assert waiting.result(5).size >= size


def test_patience_ends(service: RunningService, ada: Caller) -> None:
    """Who waits no longer has the record signed at once."""
    submit(ada)
    size = service.read(tree.size)
    assert service.inside.signing.covering(size, patience=0).size >= size


@pytest.mark.parametrize("callers", [8])
def test_many_at_once_share_one(service: RunningService, ada: Caller, callers: int) -> None:
    """Several who ask for the same size at the same time get the same checkpoint."""
    submit(ada)
    size, before = service.read(tree.size), len(sizes(service))
    together = threading.Barrier(callers)

    def ask() -> int:
        together.wait(5)
        return service.inside.signing.covering(size, patience=0).size

    found = [one.result(10) for one in [service.meanwhile(ask) for _ in range(callers)]]
    assert found == [size] * callers
    assert len(sizes(service)) == before + 1
