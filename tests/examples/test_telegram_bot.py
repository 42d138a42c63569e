"""examples/telegram-bot, as a process, between a stand-in for Telegram and the real service."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from subprocess import Popen

import pytest

from tests.examples.conftest import EXAMPLES, Place
from tests.support.patience import until
from tests.support.telegram import TOKEN, Telegram

STRANGER = 666


@pytest.fixture(scope="module")
def telegram() -> Iterator[Telegram]:
    """One chat for all tests here."""
    with Telegram().running() as running:
        yield running


def start(place: Place, telegram: Telegram) -> AbstractContextManager[Popen[bytes]]:
    """Start the bot."""
    settings = {"TELEGRAM_API_URL": telegram.http.url, "TELEGRAM_BOT_TOKEN": TOKEN}
    program = str(EXAMPLES / "telegram-bot" / "telegram_bot.py")
    return place.running("-W", "error", program, BOT_USERS="7,8", BOT_APPROVER="@ann", **settings)


@pytest.fixture(scope="module")
def bot(place: Place, telegram: Telegram) -> Iterator[None]:
    """The bot, for all tests here but one."""
    with start(place, telegram):
        yield


def test_conversation_goes_on_through_a_restart(place: Place, telegram: Telegram) -> None:
    """A chat has one session, also for a bot that begins anew, until somebody asks for another."""
    with start(place, telegram):
        assert telegram.answer_to("/claude hello", 1) == "round 1: hello"
        assert telegram.answer_to("/claude again", 2) == "round 2: again"
        until(lambda: telegram.reaction() == "👍")
    with start(place, telegram):
        assert telegram.answer_to("/claude once more", 3) == "round 3: once more"
        assert telegram.answer_to("/new hello", 4) == "round 1: hello"
        assert telegram.answer_to("/claude and on", 5) == "round 2: and on"
        telegram.says("/claude once more", 3)  # again, now that the chat is in another session
        assert telegram.answer_to("/claude last", 6) == "round 3: last"
    [task] = place.bot.list(tag="telegram--10023", q="once more")
    assert place.bot.show(task.task_id).payload["maxCostUsd"] == 1
    submitted = place.bot.history(task.task_id)[0]
    assert (submitted.actor, submitted.detail["on_behalf_of"]) == ("client:bot", "telegram:7")


def test_strangers_are_not_heard(place: Place, telegram: Telegram, bot: None) -> None:
    """Who is not on the list gets neither a task nor an answer, and what is no command neither."""
    before = place.bot.stats().total
    telegram.says("/run id", 10, user=STRANGER)
    telegram.says("good morning", 11)
    assert telegram.answer_to("/help", 12).startswith("/run COMMAND")
    assert place.bot.stats().total == before


def test_a_message_that_comes_twice_runs_once(place: Place, telegram: Telegram, bot: None) -> None:
    """Telegram may deliver a message again: it is the same task, answered once."""
    telegram.says("/run echo once @all", 20)
    telegram.says("/run echo once @all", 20)
    telegram.answer_to("/run echo 'next 🙂'; exit 3", 21, answers=2)
    assert sorted(telegram.said()[-2:]) == ["next 🙂\nexit code 3", "once @all"]
    assert len(list(place.bot.list(q="once @all"))) == 1
    blocks = {one["text"]: json.loads(one["entities"]) for one in telegram.sent("sendMessage")}
    assert blocks["once @all"] == [{"type": "pre", "offset": 0, "length": 9}]
    assert blocks["next 🙂\nexit code 3"] == [{"type": "pre", "offset": 0, "length": 19}]


def test_long_answers_come_as_a_file(telegram: Telegram, bot: None) -> None:
    """What no message can hold is sent as a file, whole."""
    telegram.says("/run seq 2000", 30)
    until(lambda: len(telegram.files()) == 1)
    assert "\n1\n2\n3\n" in telegram.files()[0]
    assert "\n1999\n2000" in telegram.files()[0]
    assert "Done: 8,892 characters." in telegram.files()[0]


def test_the_approver_is_called(place: Place, telegram: Telegram, bot: None) -> None:
    """A task that waits for people says so, names the approver, and tells what came of it."""
    asked = telegram.answer_to("/run rm notes", 40)
    [question] = place.ann.questions.list().members
    assert asked.startswith("@ann\nThis waits for a yes (rule 'removing' on wim)")
    assert f"clawtrail approve {question.approval_id[:8]}" in asked
    place.ann.questions.deny(question.approval_id, comment="keep them")
    until(lambda: telegram.said()[-1] == "Denied: keep them")


def test_what_goes_on_can_be_cancelled(telegram: Telegram, bot: None) -> None:
    """/cancel ends what goes on in the chat, while its answer is waited for."""
    telegram.says("/claude hang", 50)
    until(lambda: telegram.reaction() == "👀")
    telegram.answer_to("/cancel", 51, answers=2)
    told = "\n".join(telegram.said()[-2:])
    assert "Cancelling 1." in told
    assert "Cancelled" in told  # with the reason where the agent had not begun
    assert telegram.answer_to("/cancel", 52) == "Nothing goes on here."
