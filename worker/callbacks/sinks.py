"""Which sinks a worker has: those that its owner chose, or gave a secret for."""

from pydantic import SecretStr

from config.callbacks import CallbackSettings, SinkName
from worker.callbacks.discord import Discord
from worker.callbacks.ended import Ended
from worker.callbacks.sink import NotSent, Sink


class Nowhere:
    """Stands in where there is no sink, so that what a client asked for in vain is on the record."""

    name = "none"

    def refuses(self, _channel: str) -> str | None:
        """Refuse every channel."""
        return "this worker makes no callbacks: set CLAWTRAIL_WORKER_CALLBACKS"

    def send(self, _ended: Ended, _token: str | None) -> None:
        """Send nothing. Raises ``NotSent``."""
        raise NotSent("there is no sink", again=False)


def chosen(settings: CallbackSettings) -> list[Sink]:
    """Make the sinks that the settings say; at least one that says why there is none."""
    return [_made(name, settings) for name in settings.sinks()] or [Nowhere()]


def _made(name: SinkName, settings: CallbackSettings) -> Sink:
    match name:
        case "discord":
            return Discord(
                _plain(settings.discord_token), api=settings.discord_api, proxy=settings.discord_proxy
            )


def _plain(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
