"""Three rounds with an agent, over HTTP, through restarts of the real server and the real worker."""

from __future__ import annotations

import json
from pathlib import Path

from clawtrail import Client, Unauthorized
from tests.support.agents import install
from tests.support.patience import until
from tests.support.processes import start_server, start_worker
from tests.support.scripted_server import ScriptedServer, reply
from tests.support.typing_commands import type_in


def test_three_rounds_of_one_session_through_restarts(tmp_path: Path) -> None:
    """The answers count the rounds on, what they cost is charged to the token, and the chat is told."""
    home = tmp_path / "home"
    programs = install(home / "agents", "claude")
    own = {"HOME": str(home), "CLAWTRAIL_WORKER_PATH": f"{programs}:/usr/bin:/bin"}
    with ScriptedServer().running() as chat, start_server(tmp_path / "data") as server:
        chat.on("POST", "/channels/42/messages", reply(200, {"id": "1"}))
        own |= {"CLAWTRAIL_WORKER_CALLBACKS": "discord", "CALLBACK_API_BASE_URL": chat.url}
        made = type_in(server.environ, "token", "new", "--role=client", "--name=bot", "--max-cost-usd=5")
        with (
            start_worker(server, tmp_path / "state", environ=own) as worker,
            server.client(made.text.strip()) as bot,
        ):
            until(lambda: _is_known(bot))
            first = bot.ask_claude("hello", check=True, origin="discord")
            assert first.text == "round 1: hello"
            server.kill()
            server.restart()
            second = bot.ask_claude("again", session_id=first.session_id, check=True)
            worker.kill()
            worker.restart()
            third = bot.ask_claude(
                "once more",
                session_id=first.session_id,
                check=True,
                callback_channel="42",
                callback_bot_token="the-token-of-this-task",
            )
            assert (second.text, third.text) == ("round 2: again", "round 3: once more")
            assert {reply.result.raw["sessionId"] for reply in (first, second, third)} == {first.session_id}
            assert first.result.metadata["origin"] == "discord"
            until(lambda: bot.history(third.result.task_id)[-1].type == "callback.sent")
            (posted,) = chat.asked
            assert posted.headers["Authorization"] == "Bot the-token-of-this-task"
            assert f"📎 sessionId: `{first.session_id}` " in str(posted.json["content"]).split("\n")
            (session,) = bot.sessions("claude")
            assert (session.session_id, session.tasks, session.unfinished) == (first.session_id, 3, 0)
            costs = [reply.cost_usd for reply in (first, second, third)]
            listed = type_in(server.environ, "token", "list", "--json").text.splitlines()
            (money,) = [one for one in map(json.loads, listed) if one["name"] == "bot"]
            assert money["max_cost_usd"] == 5.0
            assert money["spent_usd"] == round(sum(cost or 0 for cost in costs), 6) > 0


def _is_known(bot: Client) -> bool:
    """Say whether the server has taken note of the new token."""
    try:
        bot.stats()
    except Unauthorized:
        return False
    return True
