"""What clients send about agents: prompts, questions about sessions, and words for a chat."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from app.api.models import Milliseconds, Name, OldWire, Options, Text, Wire

MOST_RECENT = 20
MOST_SESSIONS = 500


def _or_none(value: object) -> object:
    """Take a blank text for none, as old clients mean it."""
    return (value.strip() or None) if isinstance(value, str) else value


def _text_or_none(value: object) -> object:
    """Take what is no text for none: then it is missing, in the words that old clients know."""
    return value if isinstance(value, str) else None


OptionalName = Annotated[Name | None, BeforeValidator(_or_none)]
Dollars = Annotated[float, Field(gt=0, le=10_000, allow_inf_nan=False)]


class AskAgent(Options):
    """A prompt for an agent; without a ``sessionId`` a new session begins."""

    prompt: Annotated[Text | None, BeforeValidator(_text_or_none)] = None
    timeout: Milliseconds = Field(default=300_000, description="Milliseconds; kept between 1 s and 24 h.")
    session_id: OptionalName = Field(default=None, description="The session to go on with.")
    model: OptionalName = None
    max_cost_usd: Dollars | None = Field(default=None, description="What the run may cost at most.")
    cwd: OptionalName = Field(default=None, description="The folder that a new session begins in.")
    callback_channel: OptionalName = Field(default=None, description="Where the end is told, too.")
    callback_bot_token: OptionalName = Field(
        default=None, repr=False, description="The token for that; kept encrypted, and deleted after use."
    )
    callback_template: Literal["full", "plain"] | None = None
    origin: OptionalName = None
    dispatch_mode: OptionalName = None
    response_mode: OptionalName = None
    entrypoint: OptionalName = None

    @model_validator(mode="after")
    def _has_prompt(self) -> AskAgent:
        if not self.prompt or not self.prompt.strip():
            raise ValueError("prompt is required")
        return self

    def content(self) -> dict[str, Any]:
        """Return the payload that the worker gets: only what was given, and nothing secret."""
        said: dict[str, Any] = {
            "prompt": self.prompt,
            "sessionId": self.session_id,
            "model": self.model,
            "maxCostUsd": self.max_cost_usd,
            "cwd": self.cwd,
            "callbackChannel": self.callback_channel,
            "callbackTemplate": self.callback_template,
            "origin": self.origin,
            "dispatchMode": self.dispatch_mode,
            "responseMode": self.response_mode,
            "entrypoint": self.entrypoint,
        }
        return {key: value for key, value in said.items() if value is not None}


class AskClaude(AskAgent):
    """A prompt for Claude Code."""

    timeout: Milliseconds = Field(default=120_000, description="Milliseconds; kept between 1 s and 24 h.")


class AskGemini(AskAgent):
    """A prompt for Gemini."""

    resume_latest: bool | None = Field(default=None, description="Go on with the newest session there is.")

    def content(self) -> dict[str, Any]:
        """Return the payload that the worker gets: only what was given, and nothing secret."""
        return {**super().content(), **({"resumeLatest": True} if self.resume_latest else {})}


class Notify(OldWire):
    """A message for a channel."""

    channel: OptionalName = None
    message: Annotated[Text | None, BeforeValidator(_text_or_none)] = None

    @model_validator(mode="after")
    def _has_both(self) -> Notify:
        if not self.channel or not self.message or not self.message.strip():
            raise ValueError("channel and message are required")
        if self.channel in (".", ".."):
            raise ValueError("that is no channel")
        return self


class ListRecent(Wire):
    """How many sessions to list, 20 at most."""

    model_config = ConfigDict(extra="ignore")

    limit: Milliseconds = Field(default=10, description="Brought between 1 and 20.")


class ListSessions(Wire):
    """Which sessions to list."""

    model_config = ConfigDict(extra="ignore")

    limit: Milliseconds = Field(default=50, description="Brought between 1 and 500.")
    cli_type: OptionalName = Field(default=None, description="claude, codex or gemini; all without it.")
