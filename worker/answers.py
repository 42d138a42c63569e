"""The shapes of what the service answers; anything else is refused before it is looked at."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, SecretStr
from pydantic.alias_generators import to_camel

from clawtrail.formats.witnessing import MAX_NOTE

_Id = Annotated[str, Field(min_length=1, max_length=1000)]


class _Shape(BaseModel):
    """Camel case on the wire; fields that a newer service adds are ignored."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True, extra="ignore", strict=True)


class Approval(_Shape):
    """A human's yes to the one content that has this *digest*: who said it, and when (epoch ms).

    *signature* is a DSSE envelope, where he signed it.
    """

    id: _Id
    digest: _Id
    by: _Id
    at: int
    signature: str | None = None


class Claim(_Shape):
    """One attempt of one task, leased to this worker. ``timeout`` is in milliseconds.

    ``signature`` is a DSSE envelope, where the client signed the task; nothing of it is checked yet.
    ``callback_token`` is a secret that came for the callback of this task alone.
    """

    task_id: _Id
    attempt: Annotated[int, Field(ge=1)]
    lease: _Id
    kind: _Id
    payload: dict[str, JsonValue]
    timeout: Annotated[int, Field(ge=0)]
    submitted_by: str | None = None
    session_key: str | None = None
    approval: Approval | None = None
    signature: str | None = None
    callback_token: SecretStr | None = None


class Reply(_Shape):
    """How people answered a question that a run asked, or that nobody did."""

    approval: _Id
    decision: Literal["allow", "deny"]
    comment: str | None = None


class End(_Shape):
    """How a task ended that people were asked about; without a ``state`` it is no business of this worker."""

    task_id: _Id
    state: str | None = None
    reason: str | None = None


class SyncAnswer(_Shape):
    """What a sync brings. ``lease_ms`` counts from the last sync that named the lease."""

    tasks: list[Claim] = []
    cancel: list[str] = []
    lost: list[str] = []
    drain: bool = False
    lease_ms: Annotated[int, Field(gt=0)]
    superseded: bool = False
    answers: list[Reply] = []
    ended: list[End] = []
    checkpoint: Annotated[str, Field(max_length=MAX_NOTE)] | None = None


class ItemAnswer(_Shape):
    """The answer to one item of a report."""

    ok: bool
    code: str | None = None
    error: str | None = None
    approval: str | None = None


class ReportAnswer(_Shape):
    """One answer per item, in order, and what else the service used the occasion to say."""

    results: list[ItemAnswer]
    tasks: list[Claim] = []
    cancel: list[str] = []


class ProofAnswer(_Shape):
    """The hashes of a proof in base64; the sizes and roots beside them are known better here."""

    hashes: Annotated[list[str], Field(max_length=128)]
