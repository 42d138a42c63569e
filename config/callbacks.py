"""The worker's settings for callbacks: which sinks, where they are, and with what secrets."""

import re
from base64 import b64decode
from typing import Annotated, Literal, Self

from pydantic import AliasChoices, BaseModel, Field, SecretStr, field_validator, model_validator

SinkName = Literal["discord", "openclaw-cli", "openclaw-hooks", "slack", "webhook"]

_TOKENS = ("discord_token", "openclaw_hooks_token", "slack_token")
_ADDRESSES = (
    "discord_api",
    "discord_proxy",
    "openclaw_hooks_url",
    "slack_api",
    "slack_webhook",
    "webhook_url",
)


def named(name: str, *others: str) -> AliasChoices:
    """Give the names of a setting of the worker in the environment, ours first."""
    return AliasChoices(f"CLAWTRAIL_WORKER_{name}", *others)


class CallbackSettings(BaseModel):
    """What the owner of a machine says about callbacks. A client names a channel, and nothing more."""

    callbacks: Annotated[list[SinkName | Literal["none"]], Field(validation_alias=named("CALLBACKS"))] = []
    discord_token: Annotated[
        SecretStr | None,
        Field(validation_alias=named("DISCORD_TOKEN", "CALLBACK_BOT_TOKEN", "DISCORD_BOT_TOKEN")),
    ] = None
    discord_api: Annotated[
        str, Field(validation_alias=named("DISCORD_API", "CALLBACK_API_BASE_URL", "DISCORD_API_BASE_URL"))
    ] = "https://discord.com/api/v10"
    discord_proxy: Annotated[str | None, Field(validation_alias=named("DISCORD_PROXY", "DISCORD_PROXY"))] = (
        None
    )
    openclaw_container: Annotated[
        str | None,
        Field(validation_alias=named("OPENCLAW_CONTAINER"), pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"),
    ] = None
    openclaw_hooks_url: Annotated[
        str | None, Field(validation_alias=named("OPENCLAW_HOOKS_URL", "OPENCLAW_HOOKS_URL"))
    ] = None
    openclaw_hooks_token: Annotated[
        SecretStr | None, Field(validation_alias=named("OPENCLAW_HOOKS_TOKEN", "OPENCLAW_HOOKS_TOKEN"))
    ] = None
    slack_token: Annotated[
        SecretStr | None, Field(validation_alias=named("SLACK_TOKEN", "SLACK_BOT_TOKEN"))
    ] = None
    slack_webhook: Annotated[
        SecretStr | None, Field(validation_alias=named("SLACK_WEBHOOK", "SLACK_WEBHOOK_URL"))
    ] = None
    slack_api: Annotated[str, Field(validation_alias=named("SLACK_API"))] = "https://slack.com/api"
    webhook_url: Annotated[str | None, Field(validation_alias=named("WEBHOOK_URL"))] = None
    webhook_secret: Annotated[SecretStr | None, Field(validation_alias=named("WEBHOOK_SECRET"))] = None
    webhook_private: Annotated[bool, Field(validation_alias=named("WEBHOOK_PRIVATE"))] = False
    webhook_http: Annotated[bool, Field(validation_alias=named("WEBHOOK_HTTP"))] = False
    webhook_ca_file: Annotated[str | None, Field(validation_alias=named("WEBHOOK_CA_FILE"))] = None

    @field_validator("callbacks", mode="before")
    @classmethod
    def _split_names(cls, value: object) -> object:
        return re.split(r"[,\s]+", value.strip(", \n")) if isinstance(value, str) else value

    @field_validator(*_TOKENS)
    @classmethod
    def _one_word(cls, token: SecretStr | None) -> SecretStr | None:
        if token is not None and not re.fullmatch(r"[!-~]+", token.get_secret_value()):
            raise ValueError("a token is one word of plain letters, digits and signs")
        return token

    @field_validator("webhook_secret")
    @classmethod
    def _signs(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and not _is_key(secret.get_secret_value()):
            raise ValueError("a secret for webhooks is whsec_ and the base64 of 24 to 64 bytes")
        return secret

    @field_validator(*_ADDRESSES)
    @classmethod
    def _http_address(cls, url: str | SecretStr | None) -> str | SecretStr | None:
        text = url.get_secret_value() if isinstance(url, SecretStr) else url
        if text is not None and not re.fullmatch(r"https?://[A-Za-z0-9.:\[\]_-]+(/[!-~]*)?", text):
            raise ValueError("not an address such as https://chat.example.org/api")
        return url

    @model_validator(mode="after")
    def _webhook_is_private(self) -> Self:
        if self.webhook_url and self.webhook_url.startswith("http:") and not self.webhook_http:
            raise ValueError("the webhook's URL must be https, or set CLAWTRAIL_WORKER_WEBHOOK_HTTP=true")
        return self

    @model_validator(mode="after")
    def _chosen_are_complete(self) -> Self:
        needed: dict[SinkName, dict[str, object]] = {
            "openclaw-cli": {"OPENCLAW_CONTAINER": self.openclaw_container},
            "openclaw-hooks": {
                "OPENCLAW_HOOKS_URL": self.openclaw_hooks_url,
                "OPENCLAW_HOOKS_TOKEN": self.openclaw_hooks_token,
            },
            "webhook": {"WEBHOOK_URL": self.webhook_url, "WEBHOOK_SECRET": self.webhook_secret},
        }
        for name in self.sinks():
            missing = [setting for setting, value in needed.get(name, {}).items() if value is None]
            if missing:
                raise ValueError(f"callbacks by {name} need CLAWTRAIL_WORKER_{missing[0]}")
        return self

    def sinks(self) -> list[SinkName]:
        """List the sinks by which callbacks are made: the chosen ones, else those that were set up."""
        if self.callbacks:
            return [name for name in dict.fromkeys(self.callbacks) if name != "none"]
        set_up: dict[SinkName, object] = {
            "discord": self.discord_token,
            "openclaw-cli": self.openclaw_container,
            "openclaw-hooks": self.openclaw_hooks_url and self.openclaw_hooks_token,
            "slack": self.slack_token or self.slack_webhook,
            "webhook": self.webhook_url,
        }
        return [name for name, value in set_up.items() if value]

    def addresses_with_token(self) -> list[str]:
        """List the addresses that a token goes to."""
        hook = self.slack_webhook and self.slack_webhook.get_secret_value()
        return [url for url in (self.discord_api, self.openclaw_hooks_url, self.slack_api, hook) if url]

    def callback_secrets(self) -> list[str]:
        """List what no output may show."""
        secrets = (
            self.discord_token,
            self.openclaw_hooks_token,
            self.slack_token,
            self.slack_webhook,
            self.webhook_secret,
        )
        return [secret.get_secret_value() for secret in secrets if secret is not None]


def _is_key(secret: str) -> bool:
    try:
        return secret.startswith("whsec_") and 24 <= len(b64decode(secret[6:], validate=True)) <= 64
    except ValueError:
        return False
