"""A task's output as it comes: bytes untouched into pipes and files, harmless text onto a terminal."""

from __future__ import annotations

import sys
from typing import TextIO

import click

from clawtrail.answers import Chunk
from clawtrail.terminal import Feed


class LiveOutput:
    """Writes chunks to this program's own standard output and error; for one thread."""

    def __init__(self) -> None:
        self._feeds = {"stdout": Feed(), "stderr": Feed()}

    def write(self, chunk: Chunk) -> None:
        """Write one chunk where it belongs, and say on standard error what is missing before it."""
        if chunk.skipped:
            self.say(f"{chunk.skipped} bytes of {chunk.stream} were not kept here")
        self._write(chunk.stream, chunk.data, last=False)

    def finish(self) -> None:
        """Write what was held back because its rest was still to come."""
        for stream in self._feeds:
            self._write(stream, b"", last=True)

    def say(self, sentence: str) -> None:
        """Write a sentence of our own to standard error."""
        sys.stdout.flush()
        click.echo(f"clawtrail: {sentence}", err=True)

    def _write(self, stream: str, data: bytes, *, last: bool) -> None:
        target: TextIO = sys.stderr if stream == "stderr" else sys.stdout
        if target.isatty():
            target.write(self._feeds[stream].text_of(data, last=last))
        elif data:
            target.flush()
            target.buffer.write(data)
        target.flush()
