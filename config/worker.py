"""The settings of the worker, read once."""

import os
import re
import socket
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from config.addresses import exposes
from config.callbacks import CallbackSettings, named
from config.sources import Unreadable, gather

LONGEST_WAIT_MS = 25000
SHELL = "/bin/sh -c"


def _own_name() -> str:
    return re.sub(r"[^\w.-]", "-", socket.gethostname(), flags=re.ASCII)[:64] or "worker"


def _state_folder() -> Path:
    return Path("~/.local/state/clawtrail/worker")


def _default_policy() -> Path:
    return Path("~/.config/clawtrail/policy.toml")


def _default_secrets() -> Path:
    return Path("~/.config/clawtrail/secrets.toml")


def _default_trusted() -> Path:
    return Path("~/.config/clawtrail/trusted-keys.json")


def policy_file() -> Path:
    """Give the policy file that a worker started in this environment would read."""
    return Path(os.environ.get("CLAWTRAIL_WORKER_POLICY") or _default_policy()).expanduser().absolute()


def secrets_file() -> Path:
    """Give the file of secrets that a worker started in this environment would read."""
    return Path(os.environ.get("CLAWTRAIL_WORKER_SECRETS") or _default_secrets()).expanduser().absolute()


class WorkerSettings(CallbackSettings, BaseModel):
    """Everything that can be set, with its names in the environment, ours before those of old deployments."""

    model_config = ConfigDict(frozen=True, validate_default=True)

    url: Annotated[str, Field(validation_alias=named("URL", "CLAWTRAIL_URL", "WORKER_URL"))] = (
        "http://127.0.0.1:3456"
    )
    token: Annotated[SecretStr, Field(validation_alias=named("TOKEN", "WORKER_TOKEN"))]
    insecure_http: Annotated[bool, Field(validation_alias=named("INSECURE_HTTP"))] = False
    state: Annotated[Path, Field(validation_alias=named("STATE"), default_factory=_state_folder)]
    name: Annotated[
        str,
        Field(validation_alias=named("NAME"), default_factory=_own_name, pattern=r"^[A-Za-z0-9_.-]{1,64}$"),
    ]
    labels: Annotated[list[str], Field(validation_alias=named("LABELS"))] = []
    policy: Annotated[Path, Field(validation_alias=named("POLICY"), default_factory=_default_policy)]
    secrets: Annotated[Path, Field(validation_alias=named("SECRETS"), default_factory=_default_secrets)]
    trusted_keys: Annotated[
        Path, Field(validation_alias=named("TRUSTED_KEYS"), default_factory=_default_trusted)
    ]
    require_signature: Annotated[bool, Field(validation_alias=named("REQUIRE_SIGNATURE"))] = False
    require_signed_approvals: Annotated[bool, Field(validation_alias=named("REQUIRE_SIGNED_APPROVALS"))] = (
        False
    )
    clock_tolerance: Annotated[float, Field(validation_alias=named("CLOCK_TOLERANCE"), ge=0, le=3600)] = 60.0
    max_concurrent: Annotated[
        int, Field(validation_alias=named("MAX_CONCURRENT", "MAX_CONCURRENT"), ge=1, le=64)
    ] = 3
    drain: Annotated[float, Field(validation_alias=named("DRAIN"), ge=0)] = 30.0
    wait: Annotated[int, Field(validation_alias=named("WAIT", "LONG_POLL_WAIT"), ge=0)] = LONGEST_WAIT_MS
    poll_interval: Annotated[
        int, Field(validation_alias=named("POLL_INTERVAL", "POLL_INTERVAL"), ge=10, le=60000)
    ] = 500
    shell: Annotated[str, Field(validation_alias=named("SHELL"), min_length=1)] = SHELL
    path: Annotated[str | None, Field(validation_alias=named("PATH"))] = None
    claude: Annotated[str | None, Field(validation_alias=named("CLAUDE", "CLAUDE_PATH"))] = None
    claude_models: Annotated[list[str], Field(validation_alias=named("CLAUDE_MODELS"))] = []
    codex: Annotated[str | None, Field(validation_alias=named("CODEX", "CODEX_PATH"))] = None
    codex_models: Annotated[list[str], Field(validation_alias=named("CODEX_MODELS"))] = []
    gemini: Annotated[str | None, Field(validation_alias=named("GEMINI", "GEMINI_PATH"))] = None
    gemini_models: Annotated[list[str], Field(validation_alias=named("GEMINI_MODELS"))] = []
    proxy: Annotated[str | None, Field(validation_alias=named("PROXY"))] = None
    ca_file: Annotated[str | None, Field(validation_alias=named("CA_FILE"))] = None
    log_key: Annotated[
        str | None, Field(validation_alias=named("LOG_KEY"), pattern=r"^[^+\s]+\+[0-9a-f]{8}\+[\w+/=]+$")
    ] = None
    on_alarm: Annotated[Literal["stop", "go-on"], Field(validation_alias=named("ON_ALARM"))] = "stop"
    witness_period: Annotated[float, Field(validation_alias=named("WITNESS_PERIOD"), ge=0.1)] = 10.0
    log_format: Annotated[
        Literal["text", "json"], Field(validation_alias=named("LOG_FORMAT", "CLAWTRAIL_LOG_FORMAT"))
    ] = "text"
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"],
        BeforeValidator(lambda level: str(level).upper()),
        Field(validation_alias=named("LOG_LEVEL", "CLAWTRAIL_LOG_LEVEL")),
    ] = "INFO"

    @field_validator("*", mode="before")
    @classmethod
    def _readable(cls, value: Any) -> Any:  # noqa: ANN401 - it is any setting
        if isinstance(value, Unreadable):
            raise ValueError(str(value))  # noqa: TRY004 - it is what pydantic reports as a fault
        return value

    @field_validator("labels", "claude_models", "codex_models", "gemini_models", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return re.split(r"[,\s]+", value.strip(", \n")) if isinstance(value, str) else value

    @field_validator("labels")
    @classmethod
    def _pairs(cls, labels: list[str]) -> list[str]:
        for label in labels:
            if not re.fullmatch(r"[^=,\s]+=[^,\s]*", label):
                raise ValueError(f"a label is k=v, not {label!r}")
        return labels

    @field_validator("claude_models", "codex_models", "gemini_models")
    @classmethod
    def _models(cls, models: list[str]) -> list[str]:
        for model in models:
            if not re.fullmatch(r"[A-Za-z0-9][\w.:/@\[\]-]{0,99}", model):
                raise ValueError(f"a model is a name such as sonnet, not {model!r}")
        return models

    @field_validator("token")
    @classmethod
    def _sendable(cls, token: SecretStr) -> SecretStr:
        if not re.fullmatch(r"[!-~]+", token.get_secret_value()):
            raise ValueError("a token is one word of plain letters, digits and signs, and not empty")
        return token

    @field_validator("state", "policy", "secrets", "trusted_keys")
    @classmethod
    def _absolute(cls, place: Path) -> Path:
        return place.expanduser().absolute()

    @field_validator("wait")
    @classmethod
    def _within(cls, wait: int) -> int:
        return min(wait, LONGEST_WAIT_MS)  # old deployments ask for 30000

    @field_validator("url")
    @classmethod
    def _address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("not an address such as https://tasks.example.org")
        return url.rstrip("/")

    @model_validator(mode="after")
    def _private(self) -> Self:
        for url in (self.url, *self.addresses_with_token()):
            if exposes(url) and not self.insecure_http:
                raise ValueError(
                    f"{urlsplit(url).hostname} is another machine: its URL must be https, or set"
                    " --insecure-http and let anybody on the way read the token"
                )
        return self


def load(file: Path | None = None, **options: object) -> WorkerSettings:
    """Read the settings; *options* win over the environment, that over the env-like *file*.

    ``NAME_FILE`` gives the content of a file as ``NAME``. Raises ``ValidationError`` with all faults at once.
    """
    return WorkerSettings.model_validate(gather(WorkerSettings, options, file=file))
