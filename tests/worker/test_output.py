"""Output is kept in bounds and cut into chunks, without losing a byte that is to be kept."""

import base64
import json
from queue import SimpleQueue

import pytest

from worker import output
from worker.output import CHUNK, Capture, Chunk


@pytest.fixture
def queue() -> "SimpleQueue[Chunk | None]":
    """Where chunks leave while the run goes on."""
    return SimpleQueue()


def bytes_of(items: list[bytes]) -> dict[int, bytes]:
    """Give the pieces of stdout by offset."""
    read = [json.loads(item) for item in items]
    return {item["offset"]: base64.b64decode(item["data"]) for item in read if item["stream"] == "stdout"}


def test_short_run_hands_out_nothing_before_its_end(queue: "SimpleQueue[Chunk | None]") -> None:
    """Within the first quarter of a second everything stays for the result's own report."""
    capture = Capture("lease", queue)
    capture.add("stdout", b"abc")
    capture.flush()
    assert queue.empty()
    assert bytes_of(capture.finish()) == {0: b"abc"}


def test_full_chunks_leave_at_once(queue: "SimpleQueue[Chunk | None]") -> None:
    """Whoever writes much does not wait for the clock; no chunk is larger than 64 KiB."""
    capture = Capture("lease", queue)
    capture.add("stdout", b"x" * (2 * CHUNK + 5))
    sizes = [len(piece) for piece in bytes_of([_taken(queue) for _ in range(3)]).values()]
    assert sizes == [CHUNK, CHUNK, 5]


def test_waiting_bytes_leave_after_a_quarter_of_a_second(
    queue: "SimpleQueue[Chunk | None]", monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first byte that waits sets the time at which all that waits is handed out."""
    times = iter([10.0, 10.2, 10.26])
    monkeypatch.setattr("worker.output.time.monotonic", lambda: next(times))
    capture = Capture("lease", queue)
    capture.add("stdout", b"a")
    capture.flush()
    assert queue.empty()
    capture.add("stdout", b"b")
    capture.flush()
    assert bytes_of([_taken(queue)]) == {0: b"ab"}


def test_what_was_not_confirmed_goes_with_the_result(queue: "SimpleQueue[Chunk | None]") -> None:
    """Chunks on their way that nobody confirmed are told again; confirmed ones are not."""
    capture = Capture("lease", queue)
    capture.add("stdout", b"a" * CHUNK)
    capture.add("stdout", b"b" * CHUNK)
    first, second = queue.get_nowait(), queue.get_nowait()
    assert first is not None
    assert second is not None
    first.told = True
    capture.add("stdout", b"c")
    assert bytes_of(capture.finish()) == {CHUNK: b"b" * CHUNK, 2 * CHUNK: b"c"}
    assert second.withdrawn


@pytest.mark.parametrize("size", [1, 9, 10, 11, 19, 20, 21, 25, 1000])
@pytest.mark.parametrize("step", [1, 3, 7, 50])
def test_head_and_tail_are_kept(
    queue: "SimpleQueue[Chunk | None]", monkeypatch: pytest.MonkeyPatch, size: int, step: int
) -> None:
    """However it arrives: all of it up to the limit, beyond that its beginning and end, at real offsets."""
    monkeypatch.setattr(output, "HEAD", 10)
    monkeypatch.setattr(output, "TAIL", 10)
    data = bytes(number % 251 for number in range(size))
    capture = Capture("lease", queue)
    for at in range(0, size, step):
        capture.add("stdout", data[at : at + step])
    pieces = bytes_of(capture.finish())
    kept = bytearray(size)
    for offset, piece in pieces.items():
        kept[offset : offset + len(piece)] = piece
    assert kept[:10] == data[:10]
    assert kept[-10:] == data[-10:]
    assert sum(map(len, pieces.values())) == min(size, 20)
    assert capture.truncated == (size > 20)
    assert capture.sizes == (size, 0)


def _taken(queue: "SimpleQueue[Chunk | None]") -> bytes:
    chunk = queue.get_nowait()
    assert chunk is not None
    return chunk.item
