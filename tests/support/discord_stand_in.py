"""A stand-in for Discord: its gateway and as much of its REST as bots use, on loopback."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.support.patience import until

TOKEN = "a-bot's-secret"
CHANNEL, ADA, BOT = 501, 7, 900


def user(number: int) -> dict[str, Any]:
    """Return a user as Discord tells of one."""
    name = {"username": f"user-{number}", "discriminator": "0", "global_name": None, "avatar": None}
    return {"id": str(number), "bot": number == BOT, **name}


@dataclass(frozen=True)
class Sent:
    """One request of the bot, with the JSON of its body and the texts of its files."""

    method: str
    path: str
    body: dict[str, Any]
    files: list[str]


@dataclass
class Discord:
    """One channel with one bot. A thread of its own serves; tests call ``says`` and read ``sent``."""

    sent: list[Sent] = field(default_factory=list)
    address: str = ""
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _gateway: web.WebSocketResponse | None = None

    @contextmanager
    def running(self) -> Iterator[Discord]:
        """Serve until the block ends."""
        thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        thread.start()
        runner = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(20)
        try:
            yield self
        finally:
            asyncio.run_coroutine_threadsafe(runner.cleanup(), self._loop).result(20)
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join(20)
            self._loop.close()

    def says(self, text: str, message_id: int, *, author: int = ADA, channel: int = CHANNEL) -> None:
        """Say something in a channel, once a bot is there to hear it."""
        gateway = until(lambda: self._gateway, within=20)
        assert gateway is not None
        told = _message(text, message_id, author) | {"channel_id": str(channel)}
        event = {"op": 0, "s": message_id, "t": "MESSAGE_CREATE", "d": told}
        asyncio.run_coroutine_threadsafe(gateway.send_json(event), self._loop).result(20)

    def answers(self) -> list[Sent]:
        """List the messages that the bot sent."""
        return [one for one in self.sent if one.path.endswith("/messages")]

    def answer_to(self, text: str, message_id: int) -> Sent:
        """Say *text* and return what the bot answers to it."""
        before = len(self.answers())
        self.says(text, message_id)
        until(lambda: len(self.answers()) > before)
        return self.answers()[-1]

    def reactions(self, message_id: int) -> list[str]:
        """List the signs that the bot put on a message."""
        parts = [one.path.split("/") for one in self.sent]
        return [part[-2] for part in parts if part[-4:-2] == [str(message_id), "reactions"]]

    async def _start(self) -> web.AppRunner:
        app = web.Application()
        app.router.add_get("/gateway", self._serve_gateway)
        app.router.add_get("/api/v10/users/@me", self._me)
        app.router.add_get("/api/v10/oauth2/applications/@me", self._application)
        app.router.add_route("*", "/api/v10/{rest:.*}", self._take)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        self.address = f"{host}:{port}"
        return runner

    async def _me(self, request: web.Request) -> web.Response:
        known = request.headers.get("Authorization") == f"Bot {TOKEN}"
        return _json(user(BOT)) if known else _json({"message": "401: Unauthorized"}, status=401)

    async def _application(self, _request: web.Request) -> web.Response:
        about = {"id": str(BOT), "name": "bot", "description": "", "icon": None, "verify_key": ""}
        return _json({**about, "bot_public": False, "bot_require_code_grant": False, "owner": user(ADA)})

    async def _take(self, request: web.Request) -> web.Response:
        """Take a message or a reaction."""
        body: dict[str, Any] = {}
        files: list[str] = []
        if request.content_type == "multipart/form-data":
            form = await request.post()
            body = json.loads(str(form["payload_json"]))
            files = [one.file.read().decode() for one in form.values() if isinstance(one, web.FileField)]
        elif request.can_read_body:
            body = await request.json()
        self.sent.append(Sent(request.method, request.path, body, files))
        if not request.path.endswith("/messages"):
            return web.Response(status=204)
        return _json(_message(body.get("content", ""), 10_000 + len(self.sent), BOT))

    async def _serve_gateway(self, request: web.Request) -> web.WebSocketResponse:
        """Greet, take the bot's name, be ready, and answer its heartbeats."""
        gateway = web.WebSocketResponse()
        await gateway.prepare(request)
        await gateway.send_json({"op": 10, "d": {"heartbeat_interval": 500}})
        async for frame in gateway:
            told = json.loads(frame.data)
            if told["op"] == 1:
                await gateway.send_json({"op": 11})
            if told["op"] == 2 and told["d"]["token"] == TOKEN:
                ready = {"v": 10, "user": user(BOT), "guilds": [], "session_id": "s", "shard": [0, 1]}
                ready |= {"resume_gateway_url": f"ws://{self.address}/gateway"}
                ready |= {"application": {"id": str(BOT), "flags": 0}}
                await gateway.send_json({"op": 0, "s": 1, "t": "READY", "d": ready})
                self._gateway = gateway
        self._gateway = None
        return gateway


def _json(told: dict[str, Any], *, status: int = 200) -> web.Response:
    """Answer with JSON; discord.py wants the content type exactly so."""
    return web.Response(body=json.dumps(told).encode(), content_type="application/json", status=status)


def _message(text: str, number: int, author: int) -> dict[str, Any]:
    lists: dict[str, Any] = {
        name: [] for name in ("mentions", "mention_roles", "attachments", "embeds", "components")
    }
    flags = {"tts": False, "mention_everyone": False, "pinned": False, "type": 0}
    times = {"timestamp": "2026-11-28T10:00:00+00:00", "edited_timestamp": None}
    about = {"id": str(number), "channel_id": str(CHANNEL), "guild_id": "1", "author": user(author)}
    return {"content": text, **about, **times, **flags, **lists}
