"""Connections on which also what is no HTTP request is answered as every other error is."""

from __future__ import annotations

import secrets
from typing import Any

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.receiver import ChunkedReceiver
from waitress.task import ErrorTask
from waitress.utilities import BadRequest, Error

from app.api.errors import HTTP_CODES, HTTP_SENTENCES, refusal

MAX_LINE = 1024
MAX_TRAILER = 65_536


class _Refusal(ErrorTask):
    """Waitress's answer to what it cannot parse: JSON with a code and an id, not plain text."""

    def execute(self) -> None:
        """Write the answer; the connection ends with it."""
        request: Any = self.request  # a parser that has found an error
        error: Error = request.error
        # Waitress calls an unknown transfer coding "not implemented": the fault is the sender's all the same.
        status = error.code if error.code != 501 else 400
        said = HTTP_SENTENCES.get(status) or f"This is no request that the server understands: {error.body}"
        response = refusal(said, HTTP_CODES.get(status, "invalid_request"), status)
        body = response.get_data()
        self.status = response.status
        self.response_headers = [*response.headers, ("X-Request-Id", secrets.token_hex(8))]
        self.content_length = len(body)
        self.set_close_on_finish()
        self.write(body)


class _Parser(HTTPRequestParser):
    """Waitress's reading of requests, with an end to what it gathers between the chunks of a body.

    It copies all that it has of an unfinished line for every piece that comes: ten million digits
    of a chunk's size would keep the one thread that reads for all connections busy for seconds.
    """

    def received(self, data: bytes) -> int:
        """Take *data* in and return how many bytes were used."""
        consumed = super().received(data)
        body = self.body_rcv
        if isinstance(body, ChunkedReceiver) and not self.completed and _is_endless(body):
            self.error = BadRequest("a line between chunks has no end")
            self.completed = True
        return consumed


def _is_endless(body: ChunkedReceiver) -> bool:
    return len(body.control_line) > MAX_LINE or len(body.trailer) > MAX_TRAILER


class Channel(HTTPChannel):
    """A connection of waitress with our own refusals."""

    parser_class = _Parser
    error_task_class = _Refusal
