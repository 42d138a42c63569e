"""The worker's settings for callbacks: which sinks, where they are, and with what secrets."""

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AliasChoices, BaseModel, Field, SecretStr, field_validator

SinkName = Literal["discord"]


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

    @field_validator("callbacks", mode="before")
    @classmethod
    def _split_names(cls, value: object) -> object:
        return re.split(r"[,\s]+", value.strip(", \n")) if isinstance(value, str) else value

    @field_validator("discord_token")
    @classmethod
    def _one_word(cls, token: SecretStr | None) -> SecretStr | None:
        if token is not None and not re.fullmatch(r"[!-~]+", token.get_secret_value()):
            raise ValueError("a token is one word of plain letters, digits and signs")
        return token

    @field_validator("discord_api", "discord_proxy")
    @classmethod
    def _http_address(cls, url: str | None) -> str | None:
        if url is not None and not re.fullmatch(r"https?://[^\s/?#]+[^\s?#]*", url):
            raise ValueError("not an address such as https://chat.example.org/api")
        return url

    def sinks(self) -> list[SinkName]:
        """List the sinks by which callbacks are made: the chosen ones, else those that have a secret."""
        if not self.callbacks:
            return list(self._provided())
        return [name for name in dict.fromkeys(self.callbacks) if name != "none"]

    def addresses_with_token(self) -> list[str]:
        """List the addresses that a token goes to."""
        return [self.discord_api]

    def callback_secrets(self) -> list[str]:
        """List what no output may show."""
        return [secret.get_secret_value() for secret in (self.discord_token,) if secret is not None]

    def _provided(self) -> Iterator[SinkName]:
        if self.discord_token is not None:
            yield "discord"
