"""An old bot and an agent with tools: rounds of one session, while server and worker are restarted."""

import re
from pathlib import Path
from typing import Any

import requests

from tests.support.agents import install
from tests.support.processes import Server, start_server, start_worker
from tests.support.scripted_server import ScriptedServer, reply
from tests.support.tool_calls import talk_on_http
from tests.support.worker_process import eventually

CHANNEL, BOT_TOKEN = "1234567890123456789", "the-token-of-the-bot-0123456789"
WORKERS_TOKEN = "the-token-of-the-worker-0123456789"


class OldBot:
    """A bot in a chat as for openclaw-worker: plain HTTP, one shared token, the fields of then."""

    def __init__(self, server: Server, chat: ScriptedServer) -> None:
        """Have the chat take what workers post in the channel."""
        self._server, self._chat = server, chat
        self._headers = {"Authorization": f"Bearer {server.token}"}
        chat.on("POST", f"/channels/{CHANNEL}/messages", reply(200, {"id": "1"}))

    def ask(self, prompt: str, **session: str) -> dict[str, Any]:
        """Hand a prompt over, poll for the result as old programs do, and give it once the channel knows."""
        body = {
            "prompt": prompt,
            "timeout": 120000,
            "callbackChannel": CHANNEL,
            "callbackBotToken": BOT_TOKEN,
            "origin": "discord",
            "dispatchMode": "async",
            "responseMode": "direct-callback",
            "entrypoint": "cc",
            **session,
        }
        told = self._call("POST", "/claude", json=body)
        assert {"taskId", "sessionId", "message"} <= told.keys()
        result: dict[str, Any] = {"status": "pending"}
        while not (
            "stdout" in result or result.get("error") or result["status"] not in ("pending", "running")
        ):
            result = self._call("GET", f"/tasks/{told['taskId']}?wait=20000")
        sent = f"/events?taskId={told['taskId']}&type=callback.sent"
        eventually(lambda: self._call("GET", sent)["events"])
        return result

    def recent(self) -> list[dict[str, Any]]:
        """Give the sessions that workers told of."""
        return list(self._call("GET", "/claude/recent")["sessions"])

    def message(self, number: int) -> str:
        """Give the so-manieth message in the channel, without those that a worker told again after a kill.

        For these it has only a token of its own: the bot's came with the task and is kept nowhere.
        """
        told = self._chat.asked_for(f"/channels/{CHANNEL}/messages")
        tokens = [asked.headers["Authorization"].removeprefix("Bot ") for asked in told]
        assert set(tokens) <= {BOT_TOKEN, WORKERS_TOKEN}
        first = [asked for asked, token in zip(told, tokens, strict=True) if token == BOT_TOKEN]
        return str(first[number - 1].json["content"])

    def session(self, number: int) -> str:
        """Read from that message how the conversation goes on, as pipelines do."""
        found = re.search(r"📎 sessionId: `([^`]+)`", self.message(number))
        assert found is not None
        return found[1]

    def _call(self, method: str, path: str, **more: object) -> dict[str, Any]:
        url = f"{self._server.url}{path}"
        answer = requests.request(method, url, headers=self._headers, timeout=30, **more)  # type: ignore[arg-type]
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told


def test_three_rounds_through_restarts(tmp_path: Path) -> None:
    """A session goes on by what callbacks say, and for an agent with tools, whoever was restarted between."""
    agents = install(tmp_path / "agents", "claude")
    environ = {"CLAWTRAIL_WORKER_PATH": f"{agents}:/usr/bin:/bin", "HOME": str(tmp_path)}
    environ["CALLBACK_BOT_TOKEN"] = WORKERS_TOKEN
    with (
        ScriptedServer().running() as chat,
        start_server(tmp_path / "data") as server,
        start_worker(
            server, tmp_path / "state", environ=environ | {"CALLBACK_API_BASE_URL": chat.url}
        ) as worker,
    ):
        bot = OldBot(server, chat)
        first = bot.ask("tool one")
        assert (first["exitCode"], first["stdout"]) == (0, "looked")
        assert bot.session(1) == first["sessionId"]
        worker.kill()
        worker.restart()
        second = bot.ask("two", sessionId=bot.session(1))
        assert second["stdout"] == "round 2: two"
        server.kill()
        server.restart()
        third = bot.ask("three", sessionId=bot.session(2))
        assert third["stdout"] == "round 3: three"
        assert bot.message(3).endswith("\nround 3: three")
        real = third["metadata"]["sessionId"]
        assert third["metadata"]["costUsd"] == 0.0125
        assert third["metadata"]["dispatchMode"] == "async"
        eventually(lambda: [one["topic"] for one in bot.recent()] == ["tool one"])
        assert bot.recent()[0]["sessionId"] == real
        with talk_on_http(server, server.token) as talk:
            fourth = talk.do("ask_claude", prompt="four", session_id=real)
        server.kill()
        server.restart()
        worker.kill()
        worker.restart()
        with talk_on_http(server, server.token) as talk:
            fifth = talk.do("ask_claude", prompt="five", session_id=fourth["session_id"])
        assert (fourth["stdout"], fifth["stdout"]) == ("round 4: four", "round 5: five")
