"""A stand-in for Telegram's bot API: people say something in it, and a bot answers."""

from __future__ import annotations

import json
import queue
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from tests.support.patience import until
from tests.support.scripted_server import Asked, Reply, ScriptedServer, reply

TOKEN = "42:a-bot's-secret"
CHAT = -100_23
ADA = 7


@dataclass(frozen=True)
class Update:
    """One piece of news for the bot."""

    number: int
    message: dict[str, object]


@dataclass
class Telegram:
    """One chat with one bot. Updates that were not confirmed are given again, as the real one gives them."""

    http: ScriptedServer = field(default_factory=ScriptedServer)
    updates: list[Update] = field(default_factory=list)
    _news: queue.Queue[None] = field(default_factory=queue.Queue)
    _given: int = 0

    def __post_init__(self) -> None:
        """Have an answer for the methods that bots call."""
        self.http.on("POST", self._path("getUpdates"), self._get_updates)
        for method in ("sendMessage", "sendDocument", "setMessageReaction"):
            self.http.on("POST", self._path(method), reply(200, {"ok": True, "result": True}))

    @contextmanager
    def running(self) -> Iterator[Telegram]:
        """Serve until the block ends."""
        with self.http.running():
            yield self
            self._news.put(None)  # lets a bot that still asks go

    def says(self, text: str, message_id: int, *, user: int = ADA) -> None:
        """Say something in the chat; the same *message_id* again is the same message once more."""
        self._given += 1
        message = {"message_id": message_id, "from": {"id": user}, "chat": {"id": CHAT}, "text": text}
        self.updates.append(Update(self._given, message))
        self._news.put(None)

    def sent(self, method: str) -> list[dict[str, str]]:
        """List what the bot sent by *method*, its parameters as they came."""
        asked = self.http.asked_for(self._path(method))
        return [{name: values[0] for name, values in parse_qs(one.body.decode()).items()} for one in asked]

    def said(self) -> list[str]:
        """List the texts that the bot sent."""
        return [one["text"] for one in self.sent("sendMessage")]

    def answer_to(self, text: str, message_id: int, *, answers: int = 1) -> str:
        """Say *text* and return what the bot answers, the last of so many *answers*."""
        before = len(self.said())
        self.says(text, message_id)
        until(lambda: len(self.said()) >= before + answers, within=40)
        return self.said()[-1]

    def reaction(self) -> str:
        """Return the last sign that the bot put on a message."""
        sent = self.sent("setMessageReaction")
        return str(json.loads(sent[-1]["reaction"])[0]["emoji"]) if sent else ""

    def files(self) -> list[str]:
        """List the files that the bot sent, as they came."""
        return [asked.body.decode() for asked in self.http.asked_for(self._path("sendDocument"))]

    def _get_updates(self, asked: Asked) -> Reply:
        offset = int(parse_qs(asked.body.decode())["offset"][0])
        self.updates = [one for one in self.updates if one.number >= offset]  # the others are done with
        if not self.updates:
            self._news.get(timeout=50)
        given = [{"update_id": one.number, "message": one.message} for one in self.updates]
        return reply(200, {"ok": True, "result": given})

    def _path(self, method: str) -> str:
        return f"/bot{TOKEN}/{method}"
