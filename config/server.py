"""The server's settings: from the environment, an ``.env``-like file, or ``NAME_FILE`` for secrets."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, field_validator

WEAK = frozenset({"change-me", "changeme", "password", "secret", "token", "your-token", "default"})
MIN_TOKEN = 16
_UNITS_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


class SettingsFault(Exception):
    """The settings are not usable; the message lists every fault, one a line."""


def _named(name: str, *old: str) -> AliasChoices:
    return AliasChoices(f"CLAWTRAIL_{name}", *old)


class ServerSettings(BaseModel):
    """Everything that can be set about the server. Read once, never changed."""

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)

    data: Path = Field(
        default_factory=lambda: Path.home() / ".local" / "share" / "clawtrail",
        validation_alias=_named("DATA"),
        description="Folder of the database and what belongs to it.",
    )
    database_url: str | None = Field(
        default=None,
        validation_alias=_named("DATABASE_URL"),
        description="The database, when it is not DATA/clawtrail.db.",
    )
    host: str = Field(
        default="127.0.0.1",
        validation_alias=_named("HOST"),
        description="Address to listen on.",
    )
    port: Annotated[int, Field(ge=0, le=65535)] = Field(
        default=3456,
        validation_alias=_named("PORT", "WORKER_PORT"),
        description="Port to listen on; 0 takes a free one.",
    )
    wait_port: Annotated[int, Field(ge=0, le=65535)] | None = Field(
        default=None,
        validation_alias=_named("WAIT_PORT"),
        description="A second port for long polls, so that they do not slow the first.",
    )
    shared_token: str | None = Field(
        default=None,
        validation_alias=_named("SHARED_TOKEN", "WORKER_TOKEN"),
        description="The one token of old deployments, for clients and workers alike.",
        repr=False,
    )
    max_waiting: int = Field(
        default=1000,
        ge=1,
        le=20_000,
        validation_alias=_named("MAX_WAITING"),
        description="How many long polls may be parked at once; beyond, they are answered at once.",
    )
    threads: int = Field(
        default=16,
        ge=2,
        le=256,
        validation_alias=_named("THREADS"),
        description="Threads kept for short requests.",
    )
    max_wait_ms: int = Field(
        default=300_000,
        ge=0,
        le=3_600_000,
        validation_alias=_named("MAX_WAIT_MS"),
        description="The longest that a client's wait is held, in milliseconds.",
    )
    max_pending: int = Field(
        default=10_000,
        ge=1,
        validation_alias=_named("MAX_PENDING"),
        description="How many tasks may be pending before submissions are refused (queue_full).",
    )
    max_body_bytes: int = Field(
        default=5 * 1024 * 1024,
        ge=1024,
        le=256 * 1024 * 1024,
        validation_alias=_named("MAX_BODY_BYTES"),
        description="The largest request body.",
    )
    rate_limit: str = Field(
        default="600 per minute",
        validation_alias=_named("RATE_LIMIT"),
        description="Submissions a token may make, as '600 per minute'; empty or 'none' for no limit.",
    )
    trusted_proxy: str | None = Field(
        default=None,
        validation_alias=_named("TRUSTED_PROXY"),
        description="Address of the reverse proxy whose X-Forwarded-For and -Proto are believed.",
    )
    max_cost_usd: Annotated[float, Field(ge=0, le=1_000_000)] | None = Field(
        default=None,
        validation_alias=_named("MAX_COST_USD"),
        description="Dollars that a token without a budget of its own may spend on agents in 24 hours.",
    )
    notify_token: str | None = Field(
        default=None,
        validation_alias=_named("NOTIFY_TOKEN", "DISCORD_BOT_TOKEN", "CALLBACK_BOT_TOKEN"),
        description="The bot's token with which POST /notify posts messages; without it that route says so.",
        repr=False,
    )
    notify_api: Annotated[str, Field(pattern=r"^https?://")] = Field(
        default="https://discord.com/api/v10",
        validation_alias=_named("NOTIFY_API", "CALLBACK_API_BASE_URL", "DISCORD_API_BASE_URL"),
        description="The base address of the API that POST /notify posts to.",
    )
    notify_proxy: str | None = Field(
        default=None,
        validation_alias=_named("NOTIFY_PROXY", "DISCORD_PROXY"),
        description="The proxy through which POST /notify reaches that address.",
    )
    mcp_origins: str | None = Field(
        default=None,
        validation_alias=_named("MCP_ORIGINS"),
        description="Origins, with commas between them, whose pages may call POST /mcp; loopback ones may.",
    )
    log_origin: Annotated[str, Field(pattern=r"^[^\s+]+$", max_length=200)] | None = Field(
        default=None,
        validation_alias=_named("LOG_ORIGIN"),
        description="The name under which checkpoints are signed, for good; it goes with the key.",
    )
    accept_contradiction: bool = Field(
        default=False,
        validation_alias=_named("ACCEPT_CONTRADICTION"),
        description="Serve a record that contradicts its newest checkpoint, and put that on the record.",
    )
    audit_every: Annotated[str, Field(pattern=r"^([1-9]\d{0,5}[smhd]|none)$")] = Field(
        default="24h",
        validation_alias=_named("AUDIT_EVERY"),
        description="How often the record is checked in the background, as 90s, 6h, 7d; none for never.",
    )
    log_format: Literal["text", "json"] = Field(
        default="text",
        validation_alias=_named("LOG_FORMAT"),
        description="Log lines as key=value text or as JSON.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO",
        validation_alias=_named("LOG_LEVEL"),
        description="The least important level that is logged.",
    )

    @field_validator("shared_token")
    @classmethod
    def _strong(cls, token: str | None) -> str | None:
        if token is None:
            return None
        token = token.strip()
        if len(token) < MIN_TOKEN or token.lower() in WEAK or len(set(token)) < 6:
            raise ValueError(
                f"a shared token needs at least {MIN_TOKEN} hard-to-guess characters; "
                "make one with: openssl rand -hex 32",
            )
        return token

    @field_validator("rate_limit")
    @classmethod
    def _none_is_empty(cls, limit: str) -> str:
        return "" if limit.strip().lower() == "none" else limit.strip()

    @property
    def mcp_origins_allowed(self) -> frozenset[str]:
        """The origins whose web pages may call the tools."""
        return frozenset(origin.strip().rstrip("/") for origin in (self.mcp_origins or "").split(",")) - {""}

    @property
    def max_cost_micros(self) -> int | None:
        """The default budget in millionths of a dollar; None for none."""
        return None if self.max_cost_usd is None else round(self.max_cost_usd * 1_000_000)

    @property
    def audit_every_ms(self) -> int | None:
        """The time between two checks of the record, in milliseconds; None for no checks."""
        if self.audit_every == "none":
            return None
        return int(self.audit_every[:-1]) * _UNITS_MS[self.audit_every[-1]]

    @property
    def url(self) -> str:
        """The database URL that is in force."""
        return self.database_url or f"sqlite:///{self.data / 'clawtrail.db'}"


def load(environ: Mapping[str, str] | None = None, *, config: Path | None = None) -> ServerSettings:
    """Read the settings; the environment wins over the file *config* (or ``CLAWTRAIL_CONFIG``).

    ``NAME_FILE`` gives the content of a file as ``NAME``. Raises ``SettingsFault`` with all
    faults at once.
    """
    env = dict(os.environ if environ is None else environ)
    faults: list[str] = []
    values = {**_read_config(env, config, faults), **env}
    values = _with_files(values, faults)
    known = {alias for field in ServerSettings.model_fields.values() for alias in _aliases(field)}
    given = {name: value for name, value in values.items() if name in known and value != ""}
    try:
        settings = ServerSettings(**given)
    except ValidationError as error:
        faults += [f"{fault['loc'][0]}: {_sentence(fault['msg'])}" for fault in error.errors()]
    if faults:
        raise SettingsFault("\n".join(faults))
    return settings


def _read_config(env: Mapping[str, str], config: Path | None, faults: list[str]) -> dict[str, str]:
    path = config or (Path(env["CLAWTRAIL_CONFIG"]) if env.get("CLAWTRAIL_CONFIG") else None)
    if path is None:
        return {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        faults.append(f"the settings file {path} cannot be read: {error}")
        return {}
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        text = line.strip().removeprefix("export ")
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        if not equals:
            faults.append(f"{path}:{number}: expected NAME=value")
            continue
        found[name.strip()] = value.strip().strip("'\"")
    return found


def _with_files(values: dict[str, str], faults: list[str]) -> dict[str, str]:
    for name in [key for key in values if key.endswith("_FILE") and key != "CLAWTRAIL_CONFIG_FILE"]:
        target = name.removesuffix("_FILE")
        if target in values or target not in _SECRET_NAMES:
            continue
        try:
            values[target] = Path(values[name]).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            faults.append(f"{name}: {values[name]} cannot be read: {error}")
    return values


def _aliases(field: object) -> list[str]:
    alias = getattr(field, "validation_alias", None)
    return [str(choice) for choice in alias.choices] if isinstance(alias, AliasChoices) else []


def _sentence(message: str) -> str:
    return message.removeprefix("Value error, ")


_SECRET_NAMES = frozenset(
    {
        "CLAWTRAIL_SHARED_TOKEN",
        "WORKER_TOKEN",
        "CLAWTRAIL_DATABASE_URL",
        "CLAWTRAIL_NOTIFY_TOKEN",
        "DISCORD_BOT_TOKEN",
        "CALLBACK_BOT_TOKEN",
    },
)
