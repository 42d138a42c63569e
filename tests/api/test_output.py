"""GET /tasks/:id/output: reading a stream while it grows."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import pytest

from tests.support import cast
from tests.support.asking import submit
from tests.support.machine import Json, Machine, output, result
from tests.support.service import Caller, RunningService

MIB = 1024 * 1024


@pytest.fixture
def claimed(ada: Caller, wim: Machine) -> Json:
    """A task that Wim runs."""
    submit(ada)
    return wim.start()


def read(caller: Caller, claimed: Json, **query: object) -> dict[str, Any]:
    """Return one answer, its data as bytes."""
    response = caller.get(f"/tasks/{claimed['taskId']}/output", query_string=query)
    assert response.status_code == 200, response.text
    told = dict(response.get_json())
    return {**told, "data": b64decode(told["data"])}


def test_a_stream_is_read_while_it_grows(ada: Caller, wim: Machine, claimed: Json) -> None:
    """Each answer brings what is new since ``from`` and where to go on, until it is done."""
    assert read(ada, claimed)["data"] == b""
    wim.report(output(claimed, 0, b"one\n"))
    first = read(ada, claimed)
    assert (first["data"], first["text"], first["next"], first["done"]) == (b"one\n", "one\n", 4, False)
    wim.report(output(claimed, 4, b"two\n"), output(claimed, 0, b"oh\n", "stderr"))
    second = read(ada, claimed, **{"from": first["next"]})
    assert (second["from"], second["data"], second["next"], second["skipped"]) == (4, b"two\n", 8, 0)
    assert read(ada, claimed, stream="stderr")["data"] == b"oh\n"
    wim.report(result(claimed, stdoutBytes=8, stderrBytes=3))
    last = read(ada, claimed, **{"from": 8})
    assert (last["data"], last["next"], last["done"]) == (b"", 8, True)
    assert read(ada, claimed)["data"] == b"one\ntwo\n"


def test_any_byte_can_be_the_first(ada: Caller, wim: Machine, claimed: Json) -> None:
    """``from`` may point into the middle of a piece, and beyond the end."""
    wim.report(output(claimed, 0, b"abcdef"), output(claimed, 6, b"ghi"))
    for start in range(12):
        told = read(ada, claimed, **{"from": start})
        assert told["data"] == b"abcdefghi"[start:]
        assert told["next"] == max(start, 9)


def test_broken_characters_are_replaced_in_the_text_only(ada: Caller, wim: Machine, claimed: Json) -> None:
    """``data`` has the bytes as they were, ``text`` is readable whatever they are."""
    wim.report(output(claimed, 0, b"\xff\x00\xc3"))
    told = read(ada, claimed)
    assert told["data"] == b"\xff\x00\xc3"
    assert told["text"] == "\ufffd\0\ufffd"


def test_a_reader_is_woken_by_new_output(
    service: RunningService, ada: Caller, wim: Machine, claimed: Json
) -> None:
    """A parked reader gets the next piece as soon as it is there."""
    parked = service.parked(lambda: read(ada, claimed, wait=60_000), results=1)
    wim.report(output(claimed, 0, b"x"))
    assert parked.result(5)["data"] == b"x"


def test_a_reader_is_woken_by_the_end(
    service: RunningService, ada: Caller, wim: Machine, claimed: Json
) -> None:
    """When the task ends without more output, the parked reader hears that it is done."""
    parked = service.parked(lambda: read(ada, claimed, wait=60_000), results=1)
    wim.report(result(claimed))
    assert parked.result(5)["done"] is True


def test_the_other_stream_does_not_end_the_wait(
    service: RunningService, ada: Caller, wim: Machine, claimed: Json
) -> None:
    """Output of stderr wakes no reader of stdout for nothing: it goes on waiting."""
    parked = service.parked(lambda: read(ada, claimed, wait=60_000), results=1)
    wim.report(output(claimed, 0, b"x", "stderr"))
    wim.report(output(claimed, 0, b"y"))
    assert parked.result(5)["data"] == b"y"


def test_a_gap_is_what_was_left_out(ada: Caller, wim: Machine, claimed: Json) -> None:
    """Offsets are those of the real stream: an answer ends before a gap, the next says what it skipped."""
    wim.report(output(claimed, 0, b"head"), output(claimed, 1000, b"tail"))
    head = read(ada, claimed)
    assert (head["data"], head["next"], head["skipped"]) == (b"head", 4, 0)
    tail = read(ada, claimed, **{"from": 4})
    assert (tail["data"], tail["next"], tail["skipped"]) == (b"tail", 1004, 996)
    wim.report(result(claimed, stdoutBytes=1004, truncated=True))
    shown = ada.get(f"/tasks/{claimed['taskId']}").get_json()
    assert shown["truncated"] is True
    assert shown["stdout"] == "head\n[... 996 bytes left out ...]\ntail"


def test_the_same_piece_again_changes_nothing(
    service: RunningService, ada: Caller, wim: Machine, claimed: Json
) -> None:
    """A repeated piece is answered with yes and kept once."""
    pieces = (output(claimed, 0, b"abc"), output(claimed, 3, b"def"))
    first = wim.report(*pieces)
    assert wim.report(*pieces) == first
    assert read(ada, claimed)["data"] == b"abcdef"


OVERLAPS = [(0, b"abX"), (0, b"ab"), (1, b"bc"), (2, b"cdefg"), (5, b"f"), (0, b"abcdef")]


@pytest.mark.parametrize(("offset", "data"), OVERLAPS, ids=str)
def test_a_piece_that_contradicts_is_refused(
    ada: Caller, wim: Machine, claimed: Json, offset: int, data: bytes
) -> None:
    """What overlaps kept pieces without being one of them is refused, and nothing changes."""
    wim.report(output(claimed, 0, b"abc"), output(claimed, 3, b"def"))
    (answer,) = wim.report(output(claimed, offset, data))
    assert (answer["ok"], answer["code"]) == (False, "output_conflict")
    assert read(ada, claimed)["data"] == b"abcdef"


def test_a_long_stream_comes_in_pieces(ada: Caller, wim: Machine, claimed: Json) -> None:
    """An answer has at most about a MiB, and going on from ``next`` brings all of it."""
    piece = bytes(range(256)) * 256
    for group in range(4):
        wim.report(*(output(claimed, (group * 10 + n) * len(piece), piece) for n in range(10)))
    wim.report(result(claimed, stdoutBytes=40 * len(piece)))
    got, answers, told = b"", 0, read(ada, claimed)
    while True:
        assert len(told["data"]) <= MIB
        got, answers = got + told["data"], answers + 1
        if told["done"]:
            break
        told = read(ada, claimed, **{"from": told["next"]})
    assert got == piece * 40
    assert answers >= 3


def test_too_much_of_a_stream_is_refused(ada: Caller, wim: Machine, claimed: Json) -> None:
    """Beyond 16 MiB of one stream nothing more is kept, and the worker is told."""
    piece = b"x" * (2 * MIB)
    answers = [wim.report(output(claimed, n * len(piece), piece))[0] for n in range(9)]
    assert [answer["ok"] for answer in answers] == [True] * 8 + [False]
    assert answers[-1]["code"] == "invalid_request"


def test_each_attempt_has_output_of_its_own(service: RunningService, ada: Caller, wim: Machine) -> None:
    """What a lost attempt said does not mix with the next one's."""
    ada.post("/files/read", {"path": "/x"})
    claimed = wim.start()
    wim.report(output(claimed, 0, b"first try"))
    service.pass_time(60_000)
    wim.leases.clear()
    again = wim.start()
    assert read(ada, again)["data"] == b""
    wim.report(output(again, 0, b"second"))
    assert read(ada, again)["data"] == b"second"


BAD = ["stream=stdin", "from=-1", "from=x", f"from={2**53}", "wait=x", "color=green", "from=1.5"]


@pytest.mark.parametrize("query", BAD)
def test_a_bad_question_is_refused(house: RunningService, query: str) -> None:
    """It is 400 with a sentence."""
    ada = house.as_(cast.ADA)
    response = ada.get(f"/tasks/{submit(ada)}/output?{query}")
    assert (response.status_code, response.get_json()["code"]) == (400, "invalid_request")
