"""A record in a few lines: leaves that were made up, a key, and what a server says of them."""

from __future__ import annotations

from hashlib import sha256

from clawtrail.formats import merkle
from clawtrail.formats.checkpoints import Checkpoint, sign
from clawtrail.formats.notes import Signer
from clawtrail.formats.spelling import base64_of
from tests.support.scripted_server import Asked, Reply, ScriptedServer, reply

SIGNER = Signer("tasks.example.net/log", bytes(32))
OTHER = Signer("tasks.example.net/log", bytes([1] * 32))


class History:
    """A record that is as long as one likes; *branch* makes another one from its event *fork* on."""

    def __init__(self, *, branch: str = "", fork: int = 0, signer: Signer = SIGNER) -> None:
        self.signer = signer
        self._branch = branch
        self._fork = fork

    def leaf(self, seq: int) -> bytes:
        """Return the hash of event *seq*."""
        return sha256(f"{self._branch if seq >= self._fork else ''}{seq}".encode()).digest()

    def _subtree(self, level: int, index: int) -> bytes:
        first = index << level
        return merkle.fold([self.leaf(seq) for seq in range(first, first + (1 << level))])

    def root(self, size: int) -> bytes:
        """Return the root over the first *size* events."""
        return merkle.root([self.leaf(seq) for seq in range(size)])

    def note(self, size: int) -> str:
        """Return the signed checkpoint of the first *size* events."""
        return sign(Checkpoint(self.signer.name, size, self.root(size)), self.signer)

    def prove(self, old: int, new: int) -> list[bytes]:
        """Return the proof that one size begins with the other."""
        return merkle.consistency(old, new, self._subtree)

    def serve(self, server: ScriptedServer, *sizes: int) -> None:
        """Let *server* show checkpoints of these sizes, one after the other, and prove what it is asked."""
        self.show(server, *sizes)
        server.on("GET", "/log/key", plain(f"{self.signer.verifier}\n"))
        server.on("GET", "/log/proof/consistency", self.proof)

    def show(self, server: ScriptedServer, *sizes: int) -> None:
        """Let *server* show checkpoints of these sizes, one after the other."""
        server.on("GET", "/log/checkpoint", *(plain(self.note(size)) for size in sizes))

    def proof(self, asked: Asked) -> Reply:
        """Answer a question for a proof."""
        hashes = self.prove(int(asked.query["from"]), int(asked.query["to"]))
        return reply(200, {"hashes": [base64_of(one) for one in hashes]})


def plain(text: str) -> Reply:
    """Return an answer of plain text."""
    return Reply(200, text.encode(), {"Content-Type": "text/plain; charset=utf-8"})
