"""What a message of the Model Context Protocol has to look like, and what answers look like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StrictInt, StrictStr, model_validator

from app.api.models import Name


class Message(BaseModel):
    """A request, or a notification if it has no ``id``; several in one body are refused."""

    jsonrpc: Literal["2.0"]
    method: Name
    id: StrictInt | Annotated[StrictStr, Field(max_length=200)] | None = None
    params: dict[str, Any] = {}

    @model_validator(mode="after")
    def _has_an_id(self) -> Message:
        if self.id is None and not self.is_notification:
            raise ValueError("the id of a request is a text or a number")
        return self

    @property
    def is_notification(self) -> bool:
        """True if nobody waits for an answer."""
        return "id" not in self.model_fields_set

    @property
    def meta(self) -> Mapping[str, Any]:
        """What the request says about itself."""
        meta = self.params.get("_meta")
        return meta if isinstance(meta, dict) else {}


class Answered(BaseModel):
    """An answer: ``result``, or ``error`` with a number and a sentence."""

    jsonrpc: Literal["2.0"] = "2.0"
    id: str | int | None = None
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
