"""Reading what a request says: strict JSON, then a model; whatever is wrong is a 4xx and a sentence."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from app.api.errors import BadBody

M = TypeVar("M", bound=BaseModel)

MAX_DEPTH = 64
MAX_INTEGER = 2**53 - 1
_JSON_TYPES = ("application/json", "text/json")
_ESCAPED_TROUBLE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")


def read_json(raw: bytes, content_type: str | None) -> Any:  # noqa: ANN401 - any JSON value
    """Return the JSON value in a request's body; an empty body is an empty object.

    Refuses (``BadBody``) other content types, anything but UTF-8, NaN and infinities, integers
    beyond 2^53, duplicate keys, lone surrogates, NUL characters and nesting beyond 64.
    """
    if content_type and not _is_json(content_type):
        raise BadBody(
            "Send the body as JSON, with Content-Type: application/json.",
            code="unsupported_media_type",
            status=415,
        )
    if not raw.strip():
        return {}
    try:
        text = raw.decode("utf-8")
        value = _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise BadBody("Invalid JSON body", code="invalid_json") from error
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH:
        _check_depth(value)
    if _ESCAPED_TROUBLE.search(raw):
        _check_strings(value)
    return value


def validate(model: type[M], value: object) -> M:
    """Return *value* as *model*; raises ``BadBody`` with a sentence that names each fault."""
    if not isinstance(value, Mapping):
        raise BadBody("The body must be a JSON object.")
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise BadBody(sentence(error)) from error


def sentence(error: ValidationError) -> str:
    """Return the faults of a validation as one line, without the values that were sent."""
    told = []
    for fault in error.errors(include_url=False, include_input=False):
        where = ".".join(str(part) for part in fault["loc"])
        message = fault["msg"].removeprefix("Value error, ")
        told.append(f"{where}: {message}" if where and fault["type"] != "value_error" else message)
    return "; ".join(dict.fromkeys(told[:5]))


def _is_json(content_type: str) -> bool:
    media, _, parameters = content_type.partition(";")
    media = media.strip().lower()
    charset = parameters.lower().replace(" ", "").replace('"', "")
    if "charset=" in charset and "charset=utf-8" not in charset and "charset=utf8" not in charset:
        return False
    return media in _JSON_TYPES or (media.startswith("application/") and media.endswith("+json"))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate keys")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _integer(digits: str) -> int:
    # The length first: turning a million digits into an integer takes seconds.
    if len(digits) > 17 or abs(value := int(digits)) > MAX_INTEGER:
        raise ValueError("integer beyond 2^53")
    return value


def _float(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise ValueError("number out of range")
    return value


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_constant=_no_constant,
    parse_int=_integer,
    parse_float=_float,
)


def _check_depth(value: object) -> None:
    layer, depth = [value], 0
    while layer:
        depth += 1
        if depth > MAX_DEPTH:
            raise BadBody("The JSON is nested too deeply.", code="invalid_json")
        layer = [inner for outer in layer for inner in _inside(outer) if isinstance(inner, dict | list)]


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _check_strings(value: object) -> None:
    if isinstance(value, str):
        if "\0" in value or any("\ud800" <= char <= "\udfff" for char in value):
            raise BadBody("A text holds a NUL or half a surrogate pair.", code="invalid_json")
    elif isinstance(value, dict):
        for key, inner in value.items():
            _check_strings(key)
            _check_strings(inner)
    elif isinstance(value, list):
        for inner in value:
            _check_strings(inner)
