"""JSON schemas for models to read: what pydantic makes, without what only fills the page."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ValidationError


def plain_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON schema of *model* without titles; an argument that may be left out is never null."""
    schema = model.model_json_schema()
    described: dict[str, Any] = _without_titles(schema)
    described.pop("description", None)
    if model.model_config.get("extra") == "forbid":
        described["properties"] = {name: _without_null(one) for name, one in described["properties"].items()}
    return described


def sentence(error: ValidationError) -> str:
    """Return the faults of a validation in one line, without what was sent."""
    told = []
    for fault in error.errors(include_url=False, include_input=False):
        where = ".".join(map(str, fault["loc"]))
        message = fault["msg"].removeprefix("Value error, ")
        told.append(f"{where}: {message}" if where else message)
    return "; ".join(told[:5])


def _without_titles(schema: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(schema, list):
        return [_without_titles(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    # A property may be called title; the title of a schema is a text.
    kept = {name: one for name, one in schema.items() if name != "title" or not isinstance(one, str)}
    return {name: _without_titles(one) for name, one in kept.items()}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    choices = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    if len(choices) != 1:
        return schema
    kept = {name: one for name, one in schema.items() if name not in ("anyOf", "default")}
    return {**choices[0], **kept}
