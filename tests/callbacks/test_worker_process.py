"""A real worker that tells a chat how tasks ended: always, never in the way, and without its secrets."""

import threading
from pathlib import Path
from typing import Any

from tests.callbacks.conftest import StartMessenger
from tests.support.fake_server import FakeServer
from tests.support.fake_task import FakeTask
from tests.support.scripted_server import Reply, ScriptedServer, reply
from tests.support.worker_process import WorkerProcess, eventually

OWN = "the-token-of-the-worker-0123456789"
GIVEN = "the-token-of-the-task-0123456789"
PATH = "/channels/123/messages"
TAKEN = reply(200, {"id": "1"})


def ask(fake: FakeServer, prompt: str = "hello", **more: Any) -> FakeTask:  # noqa: ANN401
    """Hand over a prompt whose end is to be told."""
    return fake.submit("claude-cli", prompt=prompt, sessionId=f"chat-{prompt}", callbackChannel="123", **more)


def outcomes(fake: FakeServer) -> list[tuple[str, str, int, str | None]]:
    """List what the service was told of callbacks."""
    return [
        (item["taskId"], item["outcome"], item["tries"], item.get("error")) for item in fake.items("callback")
    ]


def said(chat: ScriptedServer) -> list[str]:
    """List what was posted."""
    return [str(asked.json["content"]) for asked in chat.asked_for(PATH)]


def test_every_end_is_told(fake: FakeServer, start: StartMessenger, chat: ScriptedServer) -> None:
    """Good ends, failures, timeouts and cancellations, each once, by the task's token or by the worker's."""
    chat.on("POST", PATH, TAKEN)
    worker = start(DISCORD_BOT_TOKEN=OWN, CLAWTRAIL_WORKER_MAX_CONCURRENT="1")
    good = ask(fake, callback_token=GIVEN)
    fake.ended(good)
    plain = ask(fake, "again", callbackTemplate="plain")
    bad = ask(fake, "unhappy")
    late = ask(fake, "hang", timeout=1000)
    stopped = ask(fake, "hang")
    silent = fake.submit("claude-cli", prompt="hello", sessionId="silent")
    fake.until(lambda: stopped.state == "running")
    fake.cancel(stopped)
    fake.ended(silent)
    fake.until(lambda: len(outcomes(fake)) == 5)
    assert outcomes(fake) == [(task.id, "sent", 1, None) for task in (good, plain, bad, late, stopped)]
    tokens = [asked.headers["Authorization"] for asked in chat.asked_for(PATH)]
    assert tokens == [f"Bot {GIVEN}"] + [f"Bot {OWN}"] * 4
    told = said(chat)
    assert told[0].startswith("✅ Claude Code: completed (")
    assert told[0].endswith("\n📎 sessionId: `chat-hello` \nround 1: hello")
    assert told[1] == "round 1: again"
    assert told[2].startswith("❌ Claude Code: failed (")
    assert told[3].startswith("❌ Claude Code: timed out (")
    assert "Timeout after 1000 ms" in told[3]
    assert told[4].startswith("⏹️ Claude Code: cancelled (")
    assert worker.stop() == 0
    assert_nowhere(worker, GIVEN, OWN)


def assert_nowhere(worker: WorkerProcess, *secrets: str) -> None:
    """Neither the log nor the state folder holds a secret."""
    files = [path for path in worker.state.rglob("*") if path.is_file()]
    assert any(path.name == "journal.db" for path in files)
    holding = [path.name for path in files for one in secrets if one.encode() in path.read_bytes()]
    assert not holding
    assert not [one for one in secrets if one in worker.said]


def test_refusal_is_told(
    fake: FakeServer, start: StartMessenger, chat: ScriptedServer, tmp_path: Path
) -> None:
    """What the policy refused is told as well."""
    chat.on("POST", PATH, TAKEN)
    policy = tmp_path / "deny.toml"
    policy.write_text('default = "deny"\n')
    start(DISCORD_BOT_TOKEN=OWN, CLAWTRAIL_WORKER_POLICY=str(policy))
    fake.ended(ask(fake))
    fake.until(lambda: outcomes(fake))
    (told,) = said(chat)
    assert told.startswith("❌ Claude Code: refused (0.0 s): Refused by policy")


def test_no_of_people_is_told(fake: FakeServer, start: StartMessenger, chat: ScriptedServer) -> None:
    """A task that people refuse ends without its worker, which tells of it all the same, restarted or not."""
    chat.on("POST", PATH, TAKEN)
    careful = {"CLAWTRAIL_WORKER_POLICY": "", "DISCORD_BOT_TOKEN": OWN, "CLAWTRAIL_WORKER_WAIT": "500"}
    worker = start(**careful)
    allowed, refused = ask(fake, "one"), ask(fake, "two", callback_token=GIVEN)
    fake.until(lambda: allowed.state == refused.state == "awaiting_approval")
    fake.approve(allowed)
    fake.ended(allowed)
    fake.refuse(refused, "not today")
    fake.until(lambda: len(outcomes(fake)) == 2)
    tokens = {str(asked.json["content"])[0]: asked.headers["Authorization"] for asked in chat.asked}
    assert tokens == {"✅": f"Bot {OWN}", "❌": f"Bot {GIVEN}"}
    later = ask(fake, "three")
    fake.until(lambda: later.state == "awaiting_approval")
    worker.kill()
    fake.refuse(later, "nor tomorrow")
    start(**careful)
    # A worker that is killed just after it told may tell it again: the promise is that nothing is left out.
    fake.until(
        lambda: "❌ Claude Code: denied: nor tomorrow" in {told.splitlines()[0] for told in said(chat)}
    )
    denied = [told.splitlines()[0] for told in said(chat) if told.startswith("❌")]
    assert set(denied) == {"❌ Claude Code: denied: not today", "❌ Claude Code: denied: nor tomorrow"}
    fake.until(lambda: len(outcomes(fake)) >= 3)
    assert {outcome for _, outcome, _, _ in outcomes(fake)} == {"sent"}


def test_chat_that_hangs_is_in_nobodys_way(
    fake: FakeServer, start: StartMessenger, chat: ScriptedServer
) -> None:
    """The result is told and the slot is free while the chat does not answer; the next life sends it."""
    go_on = threading.Event()
    chat.on("POST", PATH, Reply(drop=True, after=go_on), TAKEN)
    first = start(CLAWTRAIL_WORKER_MAX_CONCURRENT="1", CLAWTRAIL_WORKER_CALLBACKS="discord")
    told, given = ask(fake, "one"), ask(fake, "two", callback_token=GIVEN)
    fake.ended(told)
    fake.ended(given)
    fake.until(lambda: outcomes(fake))
    eventually(lambda: chat.asked_for(PATH))
    running = ask(fake, "hang")
    fake.until(lambda: running.state == "running")
    first.kill()
    assert outcomes(fake) == [(told.id, "failed", 1, "there is no token: set DISCORD_BOT_TOKEN")]
    assert_nowhere(first, GIVEN)
    start(DISCORD_BOT_TOKEN=OWN)
    fake.until(lambda: len(outcomes(fake)) == 3)
    go_on.set()
    assert {(task, outcome) for task, outcome, _, _ in outcomes(fake)[1:]} == {
        (given.id, "sent"),
        (running.id, "sent"),
    }
    again = said(chat)[1:]
    assert [text.splitlines()[0].partition(" (")[0] for text in sorted(again)] == [
        "✅ Claude Code: completed",
        "❓ Claude Code: interrupted, and nobody knows how far it came",
    ]


def test_what_cannot_be_sent_any_more_is_said(
    fake: FakeServer, start: StartMessenger, chat: ScriptedServer
) -> None:
    """Without a token of its own the next life tells the service that the callback was not sent."""
    go_on = threading.Event()
    chat.on("POST", PATH, Reply(drop=True, after=go_on))
    first = start(CLAWTRAIL_WORKER_CALLBACKS="discord")
    given = ask(fake, callback_token=GIVEN)
    fake.ended(given)
    eventually(lambda: chat.asked_for(PATH))
    first.kill()
    go_on.set()
    start(CLAWTRAIL_WORKER_CALLBACKS="discord")
    fake.until(lambda: outcomes(fake))
    ((task_id, outcome, _, error),) = outcomes(fake)
    assert (task_id, outcome) == (given.id, "failed")
    assert error is not None
    assert error.startswith("the worker stopped before this was sent, and keeps no token")


def test_worker_without_sinks_says_so(fake: FakeServer, start: StartMessenger) -> None:
    """A callback that nobody makes is a failure on the record, not silence."""
    start()
    task = ask(fake, callback_token=GIVEN)
    fake.until(lambda: outcomes(fake))
    assert outcomes(fake) == [
        (task.id, "failed", 0, "this worker makes no callbacks: set CLAWTRAIL_WORKER_CALLBACKS")
    ]
    assert fake.items("callback")[0]["sink"] == "none"
