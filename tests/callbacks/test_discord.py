"""The sink ``discord`` against a real server in the chat's place: what it posts, and how it takes answers."""

import json
from collections.abc import Iterator

import pytest

from tests.support.scripted_server import DROP, Reply, ScriptedServer, page, reply
from tests.support.told import SESSION, ended
from worker.callbacks import wording
from worker.callbacks.discord import MOST, Discord
from worker.callbacks.sink import NotSent

BOT = "the-token-of-the-bot-0123456789"
ITS_OWN = "the-token-of-the-task-0123456789"
PATH = "/api/v10/channels/1234567890/messages"
TAKEN = reply(200, {"id": "1"})


@pytest.fixture(scope="module")
def chat() -> Iterator[ScriptedServer]:
    """The chat's API."""
    with ScriptedServer().running() as server:
        yield server


@pytest.fixture
def discord(chat: ScriptedServer) -> Discord:
    """A sink that posts to it."""
    chat.asked.clear()
    chat.on("POST", PATH, TAKEN)
    return Discord(BOT, api=f"{chat.url}/api/v10/")


def test_message_is_posted_as_the_bot(discord: Discord, chat: ScriptedServer) -> None:
    """It tells status, time, session and output, and mentions nobody."""
    discord.send(ended(output="Look, @everyone <@1>"), None)
    (asked,) = chat.asked_for(PATH)
    assert asked.headers["Authorization"] == f"Bot {BOT}"
    said = asked.json
    assert said["content"] == (
        f"✅ Claude Code: completed (3 min 56 s)\n📎 sessionId: `{SESSION}` \nLook, @everyone <@1>"
    )
    assert said["allowed_mentions"] == {"parse": []}
    assert said["flags"] == 4
    assert (said["enforce_nonce"], len(str(said["nonce"]))) == (True, 25)


def test_token_of_the_task_goes_before_the_workers(discord: Discord, chat: ScriptedServer) -> None:
    """What came with the task is used for it; one of Slack is not for Discord."""
    discord.send(ended(), ITS_OWN)
    discord.send(ended(), "xoxb-1234")
    discord.send(ended(), None)
    assert [asked.headers["Authorization"] for asked in chat.asked] == [
        f"Bot {ITS_OWN}",
        f"Bot {BOT}",
        f"Bot {BOT}",
    ]


def test_without_any_token_nothing_is_asked(chat: ScriptedServer) -> None:
    """It is said what to set, and there is no other try."""
    chat.asked.clear()
    with pytest.raises(NotSent, match="set DISCORD_BOT_TOKEN") as trouble:
        Discord(None, api=chat.url).send(ended(), None)
    assert not trouble.value.again
    assert not chat.asked


@pytest.mark.parametrize(("plain", "most"), [(False, 1500), (True, MOST)])
def test_long_answer_is_a_file(discord: Discord, chat: ScriptedServer, plain: bool, most: int) -> None:  # noqa: FBT001
    """What does not fit in the message goes with it as a file, all of it; the message has its end."""
    discord.send(ended(output="é" * most, plain=plain), None)
    answer = "".join(f"line {number}: é\n" for number in range(9999))
    discord.send(ended(output=answer, plain=plain), None)
    short, long = chat.asked
    assert short.json["content"]
    assert long.headers["Content-Type"].startswith("multipart/form-data; boundary=")
    head, _, rest = long.body.partition(b'name="payload_json"\r\n\r\n')
    message = json.loads(rest.partition(b"\r\n--")[0] if rest else head)
    assert wording.size(message["content"]) <= MOST
    assert message["content"].endswith("line 9998: é")
    assert message["attachments"] == [{"id": 0, "filename": "answer.md"}]
    assert b'name="files[0]"; filename="answer.md"' in long.body
    assert answer.strip().encode() in long.body


@pytest.mark.parametrize(
    ("answer", "asks", "sentence"),
    [
        (reply(429, {"retry_after": 1.5, "global": True}, Retry_After="2"), (True, 2.0), "429"),
        (reply(429, {"retry_after": 2.25, "message": "slow"}), (True, 2.25), "429"),
        (reply(429, {"retry_after": "soon"}), (True, 0.0), "429"),
        (page(429, "banned", Retry_After="3600"), (True, 3600.0), "429: banned"),
        (reply(500, {"error": "broken"}, Retry_After="9"), (True, 0.0), "500"),
        (reply(401, f"Bot {BOT} is not known"), (False, 0.0), r"401: \"Bot \*\*\* is not known"),
        (reply(403, {"message": "Missing Access", "code": 50001}), (False, 0.0), "403"),
        (reply(302, {}, Location="http://169.254.169.254/"), (False, 0.0), "302"),
        (page(200, "<h1>Sign in to this network</h1>"), (True, 0.0), "what answered is not Discord"),
        (Reply(200, b'{"id": ' + b"[" * 9999), (True, 0.0), "what answered is not Discord"),
        (Reply(200, b"\x00\xff" * 99_999), (True, 0.0), "what answered is not Discord"),
        (DROP, (True, 0.0), "no answer: "),
    ],
)
def test_no_and_what_it_asks_for(
    discord: Discord,
    chat: ScriptedServer,
    answer: Reply,
    asks: tuple[bool, float],
    sentence: str,
) -> None:
    """A rate limit names its pause, what stays no is not asked again, and garbage is no yes."""
    chat.on("POST", PATH, answer)
    with pytest.raises(NotSent, match=sentence) as trouble:
        discord.send(ended(), None)
    assert (trouble.value.again, trouble.value.pause) == asks
    assert BOT not in str(trouble.value)
    assert len(str(trouble.value)) < 400


def test_silence_ends_in_time(
    discord: Discord, chat: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who does not answer, or byte by byte, is not waited for long."""
    monkeypatch.setattr("worker.callbacks.posting.TIMEOUT_S", 0.3)
    chat.on("POST", PATH, Reply(delay=1.0))
    with pytest.raises(NotSent, match="it did not answer in time"):
        discord.send(ended(), None)
    chat.on("POST", PATH, Reply(200, b" " * 40 + b'{"id": "1"}', trickle=0.05))
    with pytest.raises(NotSent, match="what answered is not Discord"):
        discord.send(ended(), None)


def test_nobody_there_is_said(chat: ScriptedServer) -> None:
    """A refused connection is worth another try."""
    with pytest.raises(NotSent, match="no answer: connection refused") as trouble:
        Discord(BOT, api="http://127.0.0.1:9").send(ended(), None)
    assert trouble.value.again


def test_it_goes_through_a_proxy(chat: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that is set is asked, and none of the environment."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    chat.on("POST", PATH, TAKEN)
    Discord(BOT, api="http://chat.invalid/api/v10", proxy=chat.url).send(ended(), None)
    assert chat.asked[-1].headers["Host"] == "chat.invalid"
    Discord(BOT, api=f"{chat.url}/api/v10").send(ended(), None)


@pytest.mark.parametrize("channel", ["", "general", "12a", "\uff11\uff12", "1/../2", "1" * 21, "1\n"])
def test_channel_is_a_number(discord: Discord, channel: str) -> None:
    """The client names it, so nothing else gets into the address."""
    assert discord.refuses(channel) == "a channel of Discord is a number"
