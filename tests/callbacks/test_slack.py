"""The sink ``slack`` against a real server in the chat's place."""

import pytest

from tests.support.scripted_server import DROP, Reply, ScriptedServer, page, reply
from tests.support.told import ended
from worker.callbacks.sink import NotSent
from worker.callbacks.slack import Slack

BOT = "xoxb-the-token-of-the-bot"
CHANNEL = "C0123456789"
PATH = "/chat.postMessage"
HOOK = "/services/T0/B0/a-secret"


def test_message_is_posted_as_a_bot(chat: ScriptedServer) -> None:
    """Nobody is mentioned; the token of the task goes before the worker's, if it is one of Slack."""
    chat.on("POST", PATH, reply(200, {"ok": True}))
    slack = Slack(BOT, api=chat.url)
    slack.send(ended(channel=CHANNEL, output="<!channel> & <@U1>"), None)
    slack.send(ended(channel=CHANNEL), "xoxb-of-the-task")
    slack.send(ended(channel=CHANNEL), "a-token-of-discord")
    first = chat.asked[0].json
    assert str(first["text"]).endswith("\n&lt;!channel&gt; &amp; &lt;@U1&gt;")
    assert (first["channel"], first["unfurl_links"], first["unfurl_media"]) == (CHANNEL, False, False)
    tokens = [asked.headers["Authorization"] for asked in chat.asked]
    assert tokens == [f"Bearer {BOT}", "Bearer xoxb-of-the-task", f"Bearer {BOT}"]


@pytest.mark.parametrize(
    ("answer", "asks", "sentence"),
    [
        (
            reply(200, {"ok": False, "error": "channel_not_found"}),
            (False, 0.0),
            "Slack says channel_not_found",
        ),
        (reply(200, {"ok": False, "error": "internal_error"}), (True, 0.0), "Slack says internal_error"),
        (reply(429, {"ok": False, "error": "ratelimited"}, Retry_After="7"), (True, 7.0), "429"),
        (reply(503, {"ok": False}, Retry_After="3"), (True, 3.0), "503"),
        (reply(200, {"ok": "true"}), (True, 0.0), "not Slack"),
        (page(200, "<h1>Sign in</h1>"), (True, 0.0), "not Slack"),
        (Reply(200, b"[" * 99_999), (True, 0.0), "not Slack"),
        (DROP, (True, 0.0), "no answer"),
    ],
)
def test_a_no_is_a_no_whatever_its_status(
    chat: ScriptedServer, answer: Reply, asks: tuple[bool, float], sentence: str
) -> None:
    """Slack says no with the status 200, too; a rate limit names its pause."""
    chat.on("POST", PATH, answer)
    with pytest.raises(NotSent, match=sentence) as trouble:
        Slack(BOT, api=chat.url).send(ended(channel=CHANNEL), None)
    assert (trouble.value.again, trouble.value.pause) == asks


def test_incoming_webhook_is_used_without_a_token(chat: ScriptedServer) -> None:
    """It says ok in plain text; its address is a secret."""
    slack = Slack(None, webhook=f"{chat.url}{HOOK}", api=chat.url)
    chat.on("POST", HOOK, Reply(200, b"ok"), Reply(404, b"no_service"), Reply(200, b"<html>"))
    slack.send(ended(channel=CHANNEL), None)
    assert "channel" not in chat.asked[0].json
    with pytest.raises(NotSent, match="404: no_service") as trouble:
        slack.send(ended(channel=CHANNEL), None)
    assert not trouble.value.again
    assert "a-secret" not in str(trouble.value)
    with pytest.raises(NotSent, match="not Slack"):
        slack.send(ended(channel=CHANNEL), None)


def test_without_both_it_says_what_to_set() -> None:
    """Nothing is asked."""
    with pytest.raises(NotSent, match="CLAWTRAIL_WORKER_SLACK_TOKEN") as trouble:
        Slack(None).send(ended(channel=CHANNEL), "a-token-of-discord")
    assert not trouble.value.again


def test_channels_of_others_are_refused() -> None:
    """An id of Discord is none of Slack."""
    assert Slack(BOT).refuses(CHANNEL) is None
    assert Slack(BOT).refuses("1234567890") is not None
    assert Slack(BOT).refuses("#general") is not None
