"""Fetching a receipt: its text as it is, and nothing else for it."""

from __future__ import annotations

import pytest

from clawtrail import BadAnswer, Client, errors
from tests.support.scripted_server import Reply, ScriptedServer, page, reply

TEXT = 'clawtrail receipt v1\n\nevent {"note":"na\u00efve"}\n'


def plain(body: bytes, status: int = 200, kind: str = "text/plain; charset=utf-8") -> Reply:
    """Return an answer of plain text."""
    return Reply(status, body, {"Content-Type": kind})


def test_the_text_comes_as_it_is(server: ScriptedServer, ada: Client) -> None:
    """What the server says is the receipt, to the last byte."""
    server.on("GET", "/tasks/t-1/receipt", plain(TEXT.encode()))
    assert ada.receipt("t-1") == TEXT


def test_a_text_that_looks_like_json_is_a_text(server: ScriptedServer, ada: Client) -> None:
    """Plain text is not read as anything else."""
    server.on("GET", "/tasks/t-1/receipt", plain(b'{"a": 1}'))
    assert ada.receipt("t-1") == '{"a": 1}'


@pytest.mark.parametrize(
    "wrong",
    [page(200, "<p>hello"), plain(b"\xff\xfe"), plain(TEXT.encode(), kind="application/octet-stream")],
)
def test_anything_else_is_no_receipt(server: ScriptedServer, ada: Client, wrong: Reply) -> None:
    """A page of a proxy, bytes that are no text and another kind of answer are refused."""
    server.on("GET", "/tasks/t-1/receipt", wrong)
    with pytest.raises(BadAnswer):
        ada.receipt("t-1")


def test_refusals_are_told(server: ScriptedServer, ada: Client) -> None:
    """An unknown task is told as everywhere."""
    refused = reply(404, {"error": "Task not found", "code": "task_not_found"})
    server.on("GET", "/tasks/t-1/receipt", refused)
    with pytest.raises(errors.NotFound, match="Task not found"):
        ada.receipt("t-1")
