"""Reading what the service says when it refuses something."""

from __future__ import annotations

from typing import Any


def code_of(response: Any) -> object:  # noqa: ANN401 - werkzeug's, or that of a library for tests
    """Return the stable code of a refusal, also where it is told in the form of JSON-RPC (``/mcp``)."""
    told = response.get_json() if hasattr(response, "get_json") else response.json()
    if not isinstance(told["error"], dict):
        return told["code"]
    assert told["error"]["message"], told
    return told["error"].get("data", {}).get("code") or told["error"]["code"]
