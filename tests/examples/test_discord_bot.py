"""examples/discord-bot, as a process, between a stand-in for Discord and the real service."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.examples.conftest import EXAMPLES, Place
from tests.support.discord_stand_in import CHANNEL, TOKEN, Discord
from tests.support.patience import until
from tests.support.processes import REPOSITORY

LAUNCHER = REPOSITORY / "tests" / "support" / "discord_launcher.py"
ANN, STRANGER, ELSEWHERE = 42, 666, 599


@pytest.fixture(scope="module")
def discord(place: Place) -> Iterator[Discord]:
    """One channel with the bot in it, for all tests here."""
    program = str(EXAMPLES / "discord-bot" / "discord_bot.py")
    allowed = {"BOT_USERS": "7,8", "BOT_CHANNELS": f"{CHANNEL},502", "BOT_APPROVER": str(ANN)}
    with (
        Discord().running() as running,
        place.running(str(LAUNCHER), running.address, program, DISCORD_BOT_TOKEN=TOKEN, **allowed),
    ):
        yield running


def test_each_channel_has_a_conversation(discord: Discord) -> None:
    """What is said in a channel or thread goes on there, and nowhere else."""
    first = discord.answer_to("!claude hello", 11)
    assert first.body["content"] == "round 1: hello"
    assert first.body["message_reference"]["message_id"] == 11
    assert discord.answer_to("!claude again", 12).body["content"] == "round 2: again"
    until(lambda: discord.reactions(12) == ["⏳", "✅"])
    discord.says("!claude hello", 13, channel=502)
    until(lambda: discord.answers()[-1].path == "/api/v10/channels/502/messages")
    assert discord.answers()[-1].body["content"] == "round 1: hello"


def test_strangers_and_other_channels_are_not_heard(place: Place, discord: Discord) -> None:
    """Who or what is not on the lists gets neither a task nor an answer."""
    before = place.bot.stats().total
    discord.says("!run id", 21, author=STRANGER)
    discord.says("!run id", 22, channel=ELSEWHERE)
    assert discord.answer_to("!run", 23).body["content"].startswith("!run COMMAND")
    assert place.bot.stats().total == before


def test_nobody_is_mentioned_by_output(discord: Discord) -> None:
    """Output that looks like a mention is text, and shows no previews; a failure is marked as one."""
    told = discord.answer_to("!run echo '@everyone <@7> https://example.net'; exit 3", 31)
    assert told.body["content"] == "@everyone <@7> https://example.net\nexit code 3"
    assert told.body["allowed_mentions"] == {"parse": [], "replied_user": False}
    assert told.body["flags"] == 4  # SUPPRESS_EMBEDS
    until(lambda: discord.reactions(31) == ["⏳", "❌"])


def test_a_message_that_comes_twice_runs_once(place: Place, discord: Discord) -> None:
    """A message that is delivered again is the same task, answered once."""
    discord.says("!run echo only once", 41)
    discord.says("!run echo only once", 41)
    discord.answer_to("!run echo next", 42)
    until(lambda: {"only once", "next"} <= {one.body["content"] for one in discord.answers()})
    assert len(list(place.bot.list(q="only once"))) == 1
    assert [one.body["content"] for one in discord.answers()].count("only once") == 1


def test_long_answers_come_as_a_file(discord: Discord) -> None:
    """What no message can hold is sent as a file, whole."""
    told = discord.answer_to("!run seq 1000", 51)
    assert told.body["content"] == "Done: 3,892 characters."
    assert told.files == ["\n".join(map(str, range(1, 1001)))]


def test_the_approver_alone_is_mentioned(place: Place, discord: Discord) -> None:
    """A task that waits for people mentions the approver, and goes on with the yes."""
    told = discord.answer_to("!run rm -f notes", 61)
    assert told.body["content"].startswith(f"<@{ANN}> This waits for a yes (rule 'removing' on wim)")
    assert told.body["allowed_mentions"]["users"] == [ANN]
    [question] = place.ann.questions.list().members
    place.ann.questions.approve(question.approval_id)
    until(lambda: discord.answers()[-1].body["content"] == "(no output)")
