"""A program on a terminal of its own (a pty), with somebody who reads the screen and types."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager


class Screen:
    """What a program has written to its terminal so far, and its keyboard; for one thread."""

    def __init__(self, process: subprocess.Popen[bytes], keyboard: int) -> None:
        self.process = process
        self.shown = b""
        self._keyboard = keyboard

    @property
    def text(self) -> str:
        """All that was shown, with plain line ends."""
        return self.shown.decode("utf-8", "replace").replace("\r\n", "\n")

    def type(self, keys: str) -> None:
        """Type *keys*; Ctrl-C is the character 3."""
        os.write(self._keyboard, keys.encode())

    def await_text(self, pattern: str, *, within: float = 40.0) -> None:
        """Read until *pattern* (a regular expression) is on the screen; raises with the screen otherwise."""
        deadline = time.monotonic() + within
        while not re.search(pattern, self.text):
            if not self._read(deadline):
                raise AssertionError(f"{pattern!r} has not come up on the screen:\n{self.text}")

    def await_end(self, *, within: float = 40.0) -> int:
        """Read to the end of the program and return its exit status; raises when it goes on for longer."""
        deadline = time.monotonic() + within
        while self._read(deadline):
            pass
        try:
            return self.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise AssertionError(f"The program has not ended; its screen:\n{self.text}") from None

    def _read(self, deadline: float) -> bool:
        ready, _, _ = select.select([self._keyboard], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return False
        try:
            piece = os.read(self._keyboard, 65536)
        except OSError:  # how Linux says that nobody holds the other side any more
            return False
        self.shown += piece
        return bool(piece)


@contextmanager
def on_screen(
    command: Sequence[str], *, environ: Mapping[str, str], columns: int = 100, rows: int = 40
) -> Iterator[Screen]:
    """Run *command* with standard input, output and error on a new terminal; kills it at the end."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    process = subprocess.Popen(
        command,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={name: value for name, value in environ.items() if name not in {"COLUMNS", "LINES"}}
        | {"TERM": "xterm-256color"},
        start_new_session=True,
        preexec_fn=_take_terminal,  # noqa: PLW1509 - Ctrl-C reaches only whom the terminal controls
    )
    os.close(theirs)
    try:
        yield Screen(process, ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
