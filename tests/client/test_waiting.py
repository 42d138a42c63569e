"""Waiting for a result, following output, and cancelling."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from clawtrail import Chunk, Client, Conflict, NotFound, StillRunning, Unfinished, Unreachable
from clawtrail.following import Merged
from tests.support.answers import RUNNING, finished, piece
from tests.support.scripted_server import DROP, Asked, Reply, ScriptedServer, page, reply


def test_get_tells_how_a_task_stands(server: ScriptedServer, ada: Client) -> None:
    """Without a result, get returns the exact state."""
    server.on("GET", "/tasks/t-1", reply(200, RUNNING))
    assert ada.get("t-1") == Unfinished("t-1", "claimed", "running")
    assert "wait" not in server.asked[0].query


def test_wait_polls_until_the_result(server: ScriptedServer, ada: Client) -> None:
    """Long polls follow each other until there is a result; none is longer than proxies allow."""
    server.on("GET", "/tasks/t-1", reply(200, RUNNING), reply(200, finished(stdout="done")))
    assert ada.wait("t-1").stdout == "done"
    assert all(30_000 <= int(asked.query["wait"]) < 60_000 for asked in server.asked)


def test_wait_outlasts_a_restart_of_the_server(server: ScriptedServer, ada: Client) -> None:
    """A wait goes on through more failures than an ordinary call is tried."""
    server.on("GET", "/tasks/t-1", *[DROP, page(502, "bad gateway")] * 6, reply(200, finished()))
    assert ada.wait("t-1").ok


def test_wait_ends_at_its_timeout(server: ScriptedServer, ada: Client) -> None:
    """A task that has not ended in time is told with its state, and goes on."""
    server.on("GET", "/tasks/t-1", reply(200, RUNNING))
    with pytest.raises(StillRunning) as caught:
        ada.wait("t-1", timeout=0.2)
    assert (caught.value.task_id, caught.value.state) == ("t-1", "claimed")


def test_polls_answered_at_once_do_not_become_a_storm(server: ScriptedServer, ada: Client) -> None:
    """When a busy server answers waits at once, the client pauses between them."""
    server.on("GET", "/tasks/t-1", reply(200, RUNNING))
    with pytest.raises(StillRunning):
        ada.wait("t-1", timeout=1.0)
    assert len(server.asked) <= 5


def test_an_unknown_task_is_not_found(server: ScriptedServer, ada: Client) -> None:
    """Waiting for a task that is not there ends at once."""
    server.on("GET", "/tasks/none", reply(404, {"error": "Task not found", "code": "task_not_found"}))
    with pytest.raises(NotFound, match="Task not found"):
        ada.wait("none")


def test_an_id_is_one_part_of_a_path(server: ScriptedServer, ada: Client) -> None:
    """Whatever is given as an id cannot reach another route."""
    with pytest.raises(NotFound):
        ada.get("../admin?x=1")
    assert server.asked[0].path == "/tasks/..%2Fadmin%3Fx%3D1"


def test_output_follows_one_stream_to_its_end(server: ScriptedServer, ada: Client) -> None:
    """Chunks come in order with their offsets, and gaps are told."""
    pieces = {
        0: piece("stdout", 0, b"ab"),
        2: piece("stdout", 2, b"yz", skipped=10),
        14: piece("stdout", 14, b"", done=True),
    }
    server.on("GET", "/tasks/t-1/output", lambda asked: pieces[int(asked.query["from"])])
    assert list(ada.output("t-1", stream="stdout")) == [
        Chunk("stdout", 0, b"ab"),
        Chunk("stdout", 2, b"yz", skipped=10),
    ]


def test_output_of_both_streams_comes_as_it_comes(server: ScriptedServer, ada: Client) -> None:
    """A stream that is silent does not hold up the other one."""
    released = threading.Event()

    def answer(asked: Asked) -> Reply:
        stream, start = asked.query["stream"], int(asked.query["from"])
        if stream == "stderr" and start == 0:
            released.wait(10)
            return piece(stream, 0, b"late")
        return piece(stream, start, b"" if start else b"early", done=start > 0)

    server.on("GET", "/tasks/t-1/output", answer)
    seen = []
    for chunk in ada.output("t-1"):
        seen.append((chunk.stream, chunk.data))
        released.set()
    assert seen == [("stdout", b"early"), ("stderr", b"late")]


def test_an_error_of_one_source_ends_the_whole() -> None:
    """What goes wrong in the thread of a source is raised to the consumer."""

    def broken() -> Iterator[int]:
        yield 1
        raise Unreachable("gone")

    items = iter(Merged(broken()))
    assert next(items) == 1
    with pytest.raises(Unreachable, match="gone"):
        next(items)


def test_cancel_returns_the_state(server: ScriptedServer, ada: Client) -> None:
    """A running task stays what it is until its worker hears; the reason travels along."""
    answer = {"taskId": "t-1", "state": "running", "status": "running", "message": "Cancel requested"}
    server.on("POST", "/tasks/t-1/cancel", reply(200, answer))
    assert ada.cancel("t-1", reason="wrong folder") == "running"
    assert server.asked[0].json == {"reason": "wrong folder"}


def test_cancelling_again_is_as_good_as_once(server: ScriptedServer, ada: Client) -> None:
    """When the answer of a cancel was lost, the retry finds the task cancelled and that is no error."""
    refused = {"error": "The task has ended", "code": "illegal_transition"}
    server.on("POST", "/tasks/t-1/cancel", DROP, reply(409, refused))
    server.on("GET", "/tasks/t-1", reply(200, finished(state="cancelled", status="cancelled", exitCode=-1)))
    assert ada.cancel("t-1") == "cancelled"


def test_what_has_ended_cannot_be_cancelled(server: ScriptedServer, ada: Client) -> None:
    """A cancel that comes too late is a conflict."""
    refused = {"error": "The task has ended", "code": "illegal_transition"}
    server.on("POST", "/tasks/t-1/cancel", reply(409, refused))
    server.on("GET", "/tasks/t-1", reply(200, finished()))
    with pytest.raises(Conflict, match="has ended"):
        ada.cancel("t-1")


def test_threads_share_a_client(server: ScriptedServer, ada: Client) -> None:
    """Waits of several threads run side by side through one client."""
    server.on("GET", "/tasks/t-1", Reply(**reply(200, finished()).__dict__ | {"delay": 1.0}))
    threads = [threading.Thread(target=ada.wait, args=("t-1",)) for _ in range(8)]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.asked) == 8
    assert time.monotonic() - begun < 6


def test_questions_answered_at_once_do_not_become_a_storm(server: ScriptedServer, ada: Client) -> None:
    """A list of questions that comes at once, and is the known one, takes its time all the same."""
    server.on("GET", "/approvals", reply(200, {"approvals": [], "version": "v1"}))
    began = time.monotonic()
    assert ada.questions.list(version="v1", wait=0.2).version == "v1"
    assert time.monotonic() - began >= 0.2
    assert len(server.asked) == 1
