"""What bots in chats have from the client, where the service is not as one would like it."""

from __future__ import annotations

from clawtrail import Client
from clawtrail.chat import Answer, Chat, Message
from tests.support.answers import ACCEPTED, RUNNING, finished
from tests.support.scripted_server import DROP, ScriptedServer, reply

SAID = Message(place="501", id="1", author="7", text="!run true")


def chat_of(client: Client) -> Chat:
    """Return the conversations of a bot."""
    return Chat(client, "bot", prefix="!", longest=100)


def test_no_answer_is_lost_while_the_service_is_away(server: ScriptedServer, ada: Client) -> None:
    """Whatever fails while an answer is waited for, it comes once the service is there again."""
    server.on("POST", "/tasks", reply(200, ACCEPTED))
    server.on("GET", "/tasks/t-1", *[DROP] * 5, *[reply(200, RUNNING)] * 8, reply(200, finished(stdout="x")))
    server.on("GET", "/approvals", *[DROP] * 5, reply(200, {"approvals": [], "version": "0"}))
    answers = chat_of(ada).hear(SAID)
    assert answers is not None
    assert list(answers) == [Answer("x")]
    assert len(server.asked_for("/approvals")) >= 5


def test_a_refusal_is_an_answer(server: ScriptedServer, ada: Client) -> None:
    """What the service refuses is said in its words, and the bot goes on."""
    server.on("POST", "/tasks", reply(402, {"error": "Spent until noon.", "code": "budget_spent"}))
    chat = chat_of(ada)
    assert list(chat.hear(SAID) or ()) == [Answer("Spent until noon.", ok=False)]
    server.on("POST", "/tasks", reply(200, ACCEPTED))
    server.on("GET", "/tasks/t-1", reply(401, {"error": "Unauthorized"}))
    assert [answer.ok for answer in chat.hear(SAID) or ()] == [False]


def test_what_was_said_before_is_passed_over(server: ScriptedServer, ada: Client) -> None:
    """A message whose key has been used with another session is an old one that came again."""
    server.on("POST", "/tasks", reply(409, {"error": "Used before.", "code": "idempotency_conflict"}))
    assert chat_of(ada).hear(SAID) is None
    assert server.asked[0].headers["Idempotency-Key"] == "bot-501-1"
