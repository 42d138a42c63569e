"""Connections: heads that are known are not read anew, answers go out in one packet, refusals look alike."""

from __future__ import annotations

import re
import secrets
from typing import Any

from waitress.buffers import OverflowableBuffer
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.receiver import ChunkedReceiver, FixedStreamReceiver
from waitress.task import ErrorTask, WSGITask
from waitress.utilities import BadRequest, Error

from app.api.errors import HTTP_CODES, HTTP_SENTENCES, refusal
from app.api.unfinished import UNFINISHED
from app.pauses import Pause, Suspended

MAX_LINE = 1024
MAX_TRAILER = 65_536
MAX_HEADS = 512
MAX_HEAD = 2048


class _Refusal(ErrorTask):  # type: ignore[misc]  # waitress is untyped
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


class _Parser(HTTPRequestParser):  # type: ignore[misc]  # waitress is untyped
    """Waitress's reading of requests, with an end to what it gathers between the chunks of a body.

    It copies all that it has of an unfinished line for every piece that comes: ten million digits
    of a chunk's size would keep the one thread that reads for all connections busy for seconds.
    """

    headers: dict[str, str]
    completed: bool

    def parse_header(self, header_plus: bytes) -> None:
        """Read the first line and the fields; those of a request like an earlier one are known already."""
        head, key = _without_key(header_plus)
        known = _heads.get(head)
        if known is None:
            self._read_head(head)
        else:
            attributes, headers = known
            self.__dict__.update(attributes)
            self.headers = dict(headers)
            if self.content_length:
                buffer = OverflowableBuffer(self.adj.inbuf_overflow)
                self.body_rcv = FixedStreamReceiver(self.content_length, buffer)
        if key is not None:
            self.headers["IDEMPOTENCY_KEY"] = key

    def _read_head(self, head: bytes) -> None:
        before = set(self.__dict__)
        super().parse_header(head)
        if len(head) > MAX_HEAD or self.chunked or self.expect_continue:
            return
        if len(_heads) >= MAX_HEADS:
            _heads.clear()
        learnt = self.__dict__.keys() - before - {"body_rcv"}
        _heads[head] = {name: self.__dict__[name] for name in learnt}, dict(self.headers)

    def received(self, data: bytes) -> int:
        """Take *data* in and return how many bytes were used."""
        consumed: int = super().received(data)
        body = self.body_rcv
        if isinstance(body, ChunkedReceiver) and not self.completed and _is_endless(body):
            self.error = BadRequest("a line between chunks has no end")
            self.completed = True
        return consumed


_heads: dict[bytes, tuple[dict[str, Any], dict[str, str]]] = {}
"""What the heads of requests say, by their bytes: programs ask the same way again and again."""


_KEY_LINE = re.compile(rb"\r\nIdempotency-Key: ([!-~]+)(?=\r\n[^ \t])")


def _without_key(head: bytes) -> tuple[bytes, str | None]:
    """Take out the field that differs in each request of a program, if it stands there once and plainly."""
    found = _KEY_LINE.split(head, maxsplit=2)
    if len(found) != 3 or b"idempotency-key" in (found[0] + found[2]).lower():
        return head, None
    return found[0] + found[2], found[1].decode("latin-1")


def _is_endless(body: ChunkedReceiver) -> bool:
    return len(body.control_line) > MAX_LINE or len(body.trailer) > MAX_TRAILER


class _Answer(WSGITask):  # type: ignore[misc]  # waitress is untyped
    """Waitress's answer, its head and its first piece in one packet; it can be taken up again."""

    def execute(self) -> None:
        """Have the application answer; it may suspend the request, and is called again then."""
        try:
            super().execute()
        except Suspended:
            self.channel.put_off(self)
            raise

    def see_through(self) -> None:
        """Have the application do what is left, if the connection broke before it was called again."""
        left = self.environ.get(UNFINISHED)
        if left is not None:
            left.abandon()

    def write(self, data: bytes) -> None:
        """Send *data*, the first time with the head before it."""
        if self.wrote_header:
            super().write(data)
            return
        self.channel.hold()
        try:
            super().write(data)
        finally:
            self.channel.let_go()


class Channel(HTTPChannel):  # type: ignore[misc]  # waitress is untyped
    """A connection of waitress with our own refusals, which bothers the loop only when it must.

    The loop's thread reads; the thread that serves a request writes, and alone changes ``_held``
    and ``_unsent``, which says that something did not fit into the socket.
    """

    parser_class = _Parser
    error_task_class = _Refusal
    _held: bytes | None = None
    _unsent = False
    _begun: _Answer | None = None

    def readable(self) -> bool:
        """Say whether the loop is to read: not while an answer is stuck, nor far ahead of the answers."""
        closing = self.will_close or self.close_when_flushed
        ahead = len(self.requests) > self.adj.channel_request_lookahead
        return not (closing or ahead or self._is_stuck())

    def writable(self) -> bool:
        """Say whether the loop is to send or to close."""
        return bool(self.will_close or self.close_when_flushed or self._is_stuck())

    def _is_stuck(self) -> bool:
        # What the serving thread is just about to send is none of the loop's business.
        return bool(self.total_outbufs_len and (self._unsent or not self.requests))

    def add_channel(self, map: Any = None) -> None:  # noqa: A002, ANN401 - waitress's signature
        """Stand in the list of connections, and let the loop know."""
        super().add_channel(map)
        self.server.arrived(self._fileno)

    def task_class(self, channel: Channel, request: HTTPRequestParser) -> _Answer:
        """Return what is to serve *request*: what has begun to, or what begins."""
        begun, self._begun = self._begun, None
        return begun or _Answer(channel, request)

    def service(self) -> None:
        """Answer the request that has come, or go on with it, to its end or to its next pause."""
        begun, pause = self._begun, None
        self.server.serving(self)
        try:
            super().service()
        except Suspended as suspended:
            pause = suspended.pause
        finally:
            self.server.serving(None)
        if pause is not None:
            pause.then(lambda: self._go_on(pause))  # another thread's from here on
        elif begun is not None:
            begun.see_through()

    def _go_on(self, pause: Pause) -> None:
        threads = self.server.task_dispatcher
        if pause.is_urgent():
            threads.add_urgent(self)
        else:
            threads.add_task(self)

    def put_off(self, begun: _Answer) -> None:
        """Keep what has begun to serve the first request, to go on with it."""
        self._begun = begun

    def leaves_work(self) -> bool:
        """Say whether something is left for the loop: to send, to close, or to read on after a pause.

        The serving thread asks when it thinks of waking the loop.
        """
        self._unsent = self.total_outbufs_len > 0
        return bool(self._unsent or self.requests or self.close_when_flushed or self.will_close)

    def hold(self) -> None:
        """Keep what is written next, to send it with what comes after it."""
        self._held = b""

    def let_go(self) -> None:
        """Send what is still kept."""
        held, self._held = self._held, None
        if held:
            super().write_soon(held)

    def write_soon(self, data: Any) -> int:  # noqa: ANN401 - bytes, or waitress's own buffer of a file
        """Send *data*, or keep it if it is the first of what is held."""
        if self._held is None:
            return int(super().write_soon(data))
        if not self._held:
            self._held = data
            return len(data)
        together, self._held = self._held + data, None
        super().write_soon(together)
        return len(data)
