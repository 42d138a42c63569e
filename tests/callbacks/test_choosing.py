"""Which sinks a worker has, by its settings and by those of old deployments."""

import base64
from typing import Any

import pytest
from pydantic import ValidationError

from config.worker import WorkerSettings, load
from worker.callbacks import sinks

TOKEN = "one-token-of-a-worker-0123456789"
SECRET = f"whsec_{base64.b64encode(bytes(32)).decode()}"


def settings(**given: Any) -> WorkerSettings:  # noqa: ANN401
    """Read settings of these names."""
    return load(None, WORKER_TOKEN=TOKEN, **given)


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({}, ["none"]),
        ({"DISCORD_BOT_TOKEN": "t"}, ["discord"]),
        ({"CALLBACK_BOT_TOKEN": "t"}, ["discord"]),
        ({"OPENCLAW_HOOKS_URL": "http://127.0.0.1:18791"}, ["none"]),
        ({"OPENCLAW_HOOKS_URL": "http://127.0.0.1:1", "OPENCLAW_HOOKS_TOKEN": "t"}, ["openclaw-hooks"]),
        ({"CLAWTRAIL_WORKER_OPENCLAW_CONTAINER": "openclaw-bot"}, ["openclaw-cli"]),
        ({"SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T/B/x"}, ["slack"]),
        ({"CLAWTRAIL_WORKER_CALLBACKS": "slack, discord slack"}, ["slack", "discord"]),
        ({"CLAWTRAIL_WORKER_CALLBACKS": "none", "DISCORD_BOT_TOKEN": "t"}, ["none"]),
        (
            {
                "CLAWTRAIL_WORKER_WEBHOOK_URL": "https://hooks.example.org/in",
                "CLAWTRAIL_WORKER_WEBHOOK_SECRET": SECRET,
            },
            ["webhook"],
        ),
    ],
)
def test_sinks_are_those_that_are_chosen_or_set_up(given: dict[str, str], names: list[str]) -> None:
    """What is chosen goes before what has a secret; without both, one that says so stands in."""
    made = sinks.chosen(settings(**given), env={}, own={})
    assert [sink.name for sink in made] == names


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"CLAWTRAIL_WORKER_CALLBACKS": "telegram"}, "Input should be"),
        ({"CLAWTRAIL_WORKER_CALLBACKS": "openclaw-cli"}, "need CLAWTRAIL_WORKER_OPENCLAW_CONTAINER"),
        ({"CLAWTRAIL_WORKER_CALLBACKS": "openclaw-hooks"}, "need CLAWTRAIL_WORKER_OPENCLAW_HOOKS_URL"),
        ({"CLAWTRAIL_WORKER_WEBHOOK_URL": "https://a.example"}, "need CLAWTRAIL_WORKER_WEBHOOK_SECRET"),
        ({"CLAWTRAIL_WORKER_WEBHOOK_URL": "http://a.example"}, "must be https"),
        ({"CLAWTRAIL_WORKER_WEBHOOK_URL": "https://me:pw@a.example"}, "not an address"),
        ({"CLAWTRAIL_WORKER_WEBHOOK_URL": "file:///etc/passwd"}, "not an address"),
        ({"CLAWTRAIL_WORKER_WEBHOOK_SECRET": "whsec_short"}, "whsec_ and the base64"),
        ({"CLAWTRAIL_WORKER_OPENCLAW_CONTAINER": "--privileged"}, "pattern"),
        ({"DISCORD_BOT_TOKEN": "two words"}, "one word"),
        ({"CALLBACK_API_BASE_URL": "http://chat.example.org"}, "another machine"),
        ({"OPENCLAW_HOOKS_URL": "http://gateway.example.org"}, "another machine"),
    ],
)
def test_what_cannot_be_used_is_said_at_the_start(given: dict[str, str], sentence: str) -> None:
    """Incomplete, unknown, or readable on the way: the worker does not start so. No secret is shown."""
    with pytest.raises(ValidationError, match=sentence):
        settings(**given)


def test_plain_http_to_another_machine_can_be_allowed() -> None:
    """As for the server itself, and for the webhook by a setting of its own."""
    hooks = {"OPENCLAW_HOOKS_URL": "http://gateway:18789", "OPENCLAW_HOOKS_TOKEN": "t"}
    assert settings(CLAWTRAIL_WORKER_INSECURE_HTTP="true", **hooks).sinks() == ["openclaw-hooks"]
    webhook = {"CLAWTRAIL_WORKER_WEBHOOK_URL": "http://a.example", "CLAWTRAIL_WORKER_WEBHOOK_SECRET": SECRET}
    assert settings(CLAWTRAIL_WORKER_WEBHOOK_HTTP="true", **webhook).sinks() == ["webhook"]


def test_every_secret_is_hidden() -> None:
    """All secrets of callbacks are among what the worker masks, and in no text of the settings."""
    given = {
        "DISCORD_BOT_TOKEN": "secret-of-discord",
        "OPENCLAW_HOOKS_TOKEN": "secret-of-openclaw",
        "SLACK_BOT_TOKEN": "secret-of-slack",
        "SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/secret-of-the-hook",
        "CLAWTRAIL_WORKER_WEBHOOK_SECRET": SECRET,
    }
    made = settings(**given)
    assert set(made.callback_secrets()) == set(given.values())
    assert "secret-of" not in repr(made)
    assert SECRET not in repr(made)
