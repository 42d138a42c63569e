"""POST /notify, against a real server in the chat's place."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import cast
from tests.support.scripted_server import Reply, ScriptedServer, reply
from tests.support.service import Caller, RunningService, running_service

BOT = "the-token-of-the-bot-0123456789"
PATH = "/api/v10/channels/123/messages"


@pytest.fixture
def chat() -> Iterator[ScriptedServer]:
    """The chat's API."""
    with ScriptedServer().running() as server:
        yield server


@pytest.fixture
def with_bot(tmp_path: Path, chat: ScriptedServer) -> Iterator[RunningService]:
    """A service that has a bot."""
    with running_service(tmp_path / "data", notify_token=BOT, notify_api=f"{chat.url}/api/v10/") as running:
        yield running


def notify(
    caller: Caller, message: object = "done ☎", channel: object = "123"
) -> tuple[int, dict[str, object]]:
    """Send a message; return status and answer."""
    response = caller.post("/notify", {"channel": channel, "message": message, "unknown": 1})
    return response.status_code, response.get_json()


def test_a_message_is_posted_as_the_bot(with_bot: RunningService, chat: ScriptedServer) -> None:
    """The chat gets one request with the bot's token; the record has a digest of the text, not the text."""
    chat.on("POST", PATH, reply(200, {"id": "1"}))
    assert notify(with_bot.as_(cast.ADA)) == (200, {"ok": True})
    (asked,) = chat.asked_for(PATH)
    assert asked.headers["Authorization"] == f"Bot {BOT}"
    assert asked.json == {"content": "done ☎"}
    (event,) = with_bot.as_(cast.ODO).get("/events?type=notification.sent").get_json()["events"]
    digest = base64.b64encode(hashlib.sha256("done ☎".encode()).digest()).decode()
    assert (event["actor"], event["detail"]) == ("client:ada", {"channel": "123", "digest": digest})


def test_a_long_message_is_cut(with_bot: RunningService, chat: ScriptedServer) -> None:
    """The chat takes 2,000 characters; the rest is left out, as ever."""
    chat.on("POST", PATH, reply(200, {}))
    notify(with_bot.as_(cast.ADA), "é" * 2001)
    assert chat.asked_for(PATH)[0].json == {"content": "é" * 2000}


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (reply(500, {"error": "broken"}), 'Callback API 500: {"error": "broken"}'),
        (reply(429, {"retry_after": 1}), 'Callback API 429: {"retry_after": 1}'),
        (reply(302, {}, Location="http://127.0.0.1:9/"), "Callback API 302: {}"),
        (reply(403, f"Bot {BOT} is not welcome " + "x" * 900), None),
    ],
)
def test_a_no_of_the_chat_is_502_with_its_words(
    with_bot: RunningService, chat: ScriptedServer, answer: Reply, sentence: str | None
) -> None:
    """They are cut, the bot's token is not among them, and the failure is on the record."""
    chat.on("POST", PATH, answer)
    status, told = notify(with_bot.as_(cast.ADA))
    assert (status, told["code"]) == (502, "not_delivered")
    said = str(told["error"])
    assert sentence is None or said == sentence
    assert BOT not in said
    assert len(said) < 600
    (event,) = with_bot.as_(cast.ODO).get("/events?type=notification.failed").get_json()["events"]
    assert event["detail"]["error"] == said


def test_a_chat_that_is_not_there_is_502(tmp_path: Path, chat: ScriptedServer) -> None:
    """Refused connections too have an answer and a line on the record."""
    with running_service(tmp_path / "data", notify_token=BOT, notify_api="http://127.0.0.1:9") as service:
        status, told = notify(service.as_(cast.ADA))
        assert (status, told["error"]) == (502, "Callback API: connection refused")
        assert service.count_events("notification.failed") == 1
    assert not chat.asked_for(PATH)


def test_it_goes_through_a_proxy_where_one_is_set(tmp_path: Path, chat: ScriptedServer) -> None:
    """The proxy is asked, and told where the message is to go."""
    path = "/channels/123/messages"
    chat.on("POST", path, reply(200, {}))
    options = {"notify_api": "http://chat.invalid", "notify_proxy": chat.url}
    with running_service(tmp_path / "data", notify_token=BOT, **options) as service:
        assert notify(service.as_(cast.ADA)) == (200, {"ok": True})
    assert [asked.headers["Host"] for asked in chat.asked_for(path)] == ["chat.invalid"]


def test_without_a_bot_it_says_so(house: RunningService) -> None:
    """Status and words are those that old programs know, and nothing is on the record."""
    before = house.count_events()
    assert notify(house.as_(cast.ADA)) == (
        500,
        {"error": "DISCORD_BOT_TOKEN not set", "code": "no_bot_token"},
    )
    assert house.count_events() == before


@pytest.mark.parametrize(
    ("channel", "message"), [("", "x"), (None, "x"), ("1", ""), ("1", " \n"), ("1", None), ("1", 5)]
)
def test_channel_and_message_are_required(house: RunningService, channel: object, message: object) -> None:
    """Without one of them it is 400 in the old words."""
    told = notify(house.as_(cast.ADA), message, channel)
    assert told == (400, {"error": "channel and message are required", "code": "invalid_request"})


def test_a_channel_cannot_lead_elsewhere(with_bot: RunningService, chat: ScriptedServer) -> None:
    """Slashes and dots in it stay within its place in the address."""
    chat.on("POST", "/api/v10/channels/..%2F..%2Fusers/messages", reply(200, {}))
    assert notify(with_bot.as_(cast.ADA), channel="../../users")[0] == 200
    assert notify(with_bot.as_(cast.ADA), channel="..")[0] == 400
