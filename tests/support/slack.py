"""A stand-in for Slack: it sends signed events to a bot, and takes what the bot says."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import requests
from slack_sdk.signature import SignatureVerifier

from tests.support.patience import until
from tests.support.scripted_server import Asked, ScriptedServer, reply

TOKEN = "xoxb-a-bot's-secret"
SIGNING_SECRET = "what-slack-signs-with"
CHANNEL, ADA, BOT = "C501", "U7", "U900"


@dataclass
class Slack:
    """One channel with one bot that listens at ``bot``."""

    bot: str
    http: ScriptedServer = field(default_factory=ScriptedServer)

    def __post_init__(self) -> None:
        """Have an answer for the methods that bots call."""
        me = {"ok": True, "user_id": BOT, "bot_id": "B900", "team_id": "T1", "user": "bot", "team": "t"}
        self.http.on("POST", "/api/auth.test", reply(200, me))
        for method in ("chat.postMessage", "reactions.add"):
            self.http.on("POST", f"/api/{method}", reply(200, {"ok": True}))
        upload = {"ok": True, "file_id": "F1", "upload_url": f"{self.http.url}/upload"}
        for verb in ("GET", "POST"):
            self.http.on(verb, "/api/files.getUploadURLExternal", reply(200, upload))
        self.http.on("POST", "/upload", reply(200, {}))
        done = {"ok": True, "files": [{"id": "F1", "title": "answer.txt"}]}
        self.http.on("POST", "/api/files.completeUploadExternal", reply(200, done))

    @contextmanager
    def running(self) -> Iterator[Slack]:
        """Serve until the block ends."""
        with self.http.running():
            yield self

    def says(self, text: str, ts: str, *, secret: str = SIGNING_SECRET, **more: str) -> int:
        """Say something in the channel at *ts*, and return the status with which the bot took it."""
        event = {"type": "message", "channel": CHANNEL, "user": ADA, "text": text, "ts": ts, **more}
        body = json.dumps({"type": "event_callback", "team_id": "T1", "api_app_id": "A1", "event": event})
        now = str(int(time.time()))
        signature = SignatureVerifier(secret).generate_signature(timestamp=now, body=body)
        headers = {"X-Slack-Request-Timestamp": now, "X-Slack-Signature": str(signature)}
        headers["Content-Type"] = "application/json"
        return requests.post(self.bot, data=body, headers=headers, timeout=10).status_code

    def answers(self) -> list[dict[str, Any]]:
        """List the messages that the bot sent."""
        return [_parameters(one) for one in self.http.asked_for("/api/chat.postMessage")]

    def answer_to(self, text: str, ts: str, **more: str) -> dict[str, Any]:
        """Say *text* and return what the bot answers to it."""
        before = len(self.answers())
        assert self.says(text, ts, **more) == 200
        until(lambda: len(self.answers()) > before)
        return self.answers()[-1]

    def reactions(self, ts: str) -> list[str]:
        """List the signs that the bot put on a message."""
        given = [_parameters(one) for one in self.http.asked_for("/api/reactions.add")]
        return [one["name"] for one in given if one["timestamp"] == ts]


def _parameters(asked: Asked) -> dict[str, Any]:
    if "json" in asked.headers.get("Content-Type", ""):
        return dict(asked.json)
    return dict(parse_qsl(asked.body.decode()))
