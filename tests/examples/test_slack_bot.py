"""examples/slack-bot, as a process, between a stand-in for Slack and the real service."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from benchmarks.processes import free_port
from tests.examples.conftest import EXAMPLES, Place
from tests.support.patience import until
from tests.support.slack import CHANNEL, SIGNING_SECRET, TOKEN, Slack

ANN = "U42"


@pytest.fixture(scope="module")
def slack(place: Place) -> Iterator[Slack]:
    """One channel with the bot in it, for all tests here."""
    port = free_port()
    allowed = {"BOT_USERS": "U7,U8", "BOT_CHANNELS": CHANNEL, "BOT_APPROVER": ANN, "PORT": str(port)}
    secrets = {"SLACK_BOT_TOKEN": TOKEN, "SLACK_SIGNING_SECRET": SIGNING_SECRET}
    program = str(EXAMPLES / "slack-bot" / "slack_bot.py")
    with Slack(f"http://127.0.0.1:{port}/slack/events").running() as running:
        address = f"{running.http.url}/api/"
        with place.running(program, SLACK_API_URL=address, **allowed, **secrets) as process:
            until(lambda: process.poll() is not None or _answers(running.bot))
            yield running


def _answers(address: str) -> bool:
    try:
        requests.get(address, timeout=5)
    except requests.ConnectionError:
        return False
    return True


def test_each_thread_is_a_conversation(slack: Slack) -> None:
    """What is said in a thread goes on there; a message beside it begins another."""
    first = slack.answer_to("!claude hello", "11.1")
    assert (first["text"], first["thread_ts"]) == ("round 1: hello", "11.1")
    second = slack.answer_to("!claude again", "11.2", thread_ts="11.1")
    assert (second["text"], second["thread_ts"]) == ("round 2: again", "11.1")
    until(lambda: slack.reactions("11.2") == ["hourglass_flowing_sand", "white_check_mark"])
    assert slack.answer_to("!claude hello", "12.1")["text"] == "round 1: hello"


def test_only_slack_and_those_on_the_lists_are_heard(place: Place, slack: Slack) -> None:
    """An event that Slack did not sign is refused; strangers, other channels and edits are passed over."""
    before = place.bot.stats().total
    assert slack.says("!run id", "21.1", secret="another") == 401
    assert slack.says("!run id", "21.2", user="U666") == 200
    assert slack.says("!run id", "21.3", channel="C599") == 200
    assert slack.says("!run id", "21.4", subtype="message_changed") == 200
    assert slack.answer_to("!help", "21.5")["text"].startswith("!run COMMAND")
    assert place.bot.stats().total == before


def test_text_goes_through_as_it_was_typed(slack: Slack) -> None:
    """What Slack escapes and dresses as links is run as typed; what comes back mentions nobody."""
    told = slack.answer_to(
        "!run echo '&lt;!channel&gt; &amp;amp; <http://a.example|a.example>'; exit 3", "31.1"
    )
    assert told["text"] == "&lt;!channel&gt; &amp;amp; http://a.example\nexit code 3"
    assert (told["unfurl_links"], told["unfurl_media"]) == (False, False)
    until(lambda: slack.reactions("31.1") == ["hourglass_flowing_sand", "x"])


def test_an_event_that_comes_twice_runs_once(place: Place, slack: Slack) -> None:
    """Slack sends an event again when it has doubts: it is the same task, answered once."""
    assert slack.says("!run echo only once", "41.1") == 200
    assert slack.says("!run echo only once", "41.1") == 200
    slack.answer_to("!run echo next", "42.1")
    until(lambda: {"next", "only once"} <= {one["text"] for one in slack.answers()})
    assert len(list(place.bot.list(q="only once"))) == 1
    assert [one["text"] for one in slack.answers()].count("only once") == 1


def test_long_answers_come_as_a_file(slack: Slack) -> None:
    """What no message can hold is uploaded as a file, whole, into the thread."""
    slack.says("!run seq 1000", "51.1")
    until(lambda: slack.http.asked_for("/api/files.completeUploadExternal"))
    [upload] = slack.http.asked_for("/upload")
    assert "\n".join(map(str, range(1, 1001))) in upload.body.decode()
    [shared] = slack.http.asked_for("/api/files.completeUploadExternal")
    assert "51.1" in shared.body.decode()


def test_the_approver_alone_is_mentioned(place: Place, slack: Slack) -> None:
    """A task that waits for people mentions the approver, and goes on with the yes."""
    told = slack.answer_to("!run rm -f notes", "61.1")
    assert told["text"].startswith(f"<@{ANN}> This waits for a yes (rule 'removing' on wim)")
    [question] = place.ann.questions.list().members
    place.ann.questions.approve(question.approval_id)
    until(lambda: slack.answers()[-1]["text"] == "(no output)")
