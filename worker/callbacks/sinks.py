"""Which sinks a worker has: those that its owner chose, or gave a secret for."""

from collections.abc import Mapping

from pydantic import SecretStr

from config.callbacks import CallbackSettings, SinkName
from worker.callbacks.discord import Discord
from worker.callbacks.nowhere import Nowhere
from worker.callbacks.openclaw_cli import OpenClawCli
from worker.callbacks.openclaw_hooks import OpenClawHooks
from worker.callbacks.sink import Sink
from worker.callbacks.slack import Slack
from worker.callbacks.webhook import Webhook


def chosen(settings: CallbackSettings, *, env: Mapping[str, str], own: Mapping[str, str]) -> list[Sink]:
    """Make the sinks that the settings say; at least one that says why there is none.

    Programs get *env*, and of the worker's *own* environment what tells docker where to find its daemon.
    """
    docker = {name: value for name, value in own.items() if name.startswith("DOCKER_")}
    return [_made(name, settings, {**env, **docker}) for name in settings.sinks()] or [_nowhere()]


def _nowhere() -> Nowhere:
    return Nowhere("none", "this worker makes no callbacks: set CLAWTRAIL_WORKER_CALLBACKS")


def _made(name: SinkName, settings: CallbackSettings, env: Mapping[str, str]) -> Sink:
    match name:
        case "discord":
            return Discord(
                _plain(settings.discord_token), api=settings.discord_api, proxy=settings.discord_proxy
            )
        case "openclaw-cli":
            return OpenClawCli(settings.openclaw_container or "", env=env)
        case "openclaw-hooks":
            return OpenClawHooks(
                settings.openclaw_hooks_url or "", _plain(settings.openclaw_hooks_token) or ""
            )
        case "slack":
            return Slack(
                _plain(settings.slack_token), webhook=_plain(settings.slack_webhook), api=settings.slack_api
            )
        case "webhook":
            return Webhook(
                settings.webhook_url or "",
                _plain(settings.webhook_secret) or "",
                private=settings.webhook_private,
                ca_file=settings.webhook_ca_file,
            )


def _plain(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
