"""Messages of the Model Context Protocol, as far as one request has one answer: what they say and look like.

The protocol has two eras. Up to 2025-11-25 a client begins with ``initialize`` and names the agreed version
in a header; since 2026-07-28 each request says all about itself, in ``params._meta`` and in headers that have
to say the same. Sources: https://modelcontextprotocol.io/specification, pages "Transports" and "Versioning".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from werkzeug.datastructures import Headers

from app.api.health import VERSION
from app.api.mcp_models import Message
from clawtrail.mcp.catalogue import INSTRUCTIONS, TOOLS

OLD_ERA = ("2025-03-26", "2025-06-18", "2025-11-25")
NEW_ERA = ("2026-07-28",)
VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES_KEY = "io.modelcontextprotocol/clientCapabilities"
SERVER_KEY = "io.modelcontextprotocol/serverInfo"

NO_METHOD, INVALID_PARAMS = -32601, -32602
HEADERS_DIFFER, NO_VERSION = -32020, -32022

_SERVER = {"name": "clawtrail", "title": "Clawtrail", "version": VERSION}
_TTL_MS = 3_600_000


class Fault(Exception):
    """A message that cannot be answered with a result: number and sentence, and the status in the new era."""

    def __init__(
        self, number: int, sentence: str, *, status: int = 400, data: dict[str, Any] | None = None
    ) -> None:
        super().__init__(sentence)
        self.number = number
        self.status = status
        self.data = data

    def described(self, id_: str | int | None) -> dict[str, Any]:
        """Return the answer that says so."""
        error: dict[str, Any] = {"code": self.number, "message": str(self)}
        if self.data is not None:
            error["data"] = self.data
        return {"jsonrpc": "2.0", "id": id_, "error": error}


def is_new_era(message: Message, headers: Headers) -> bool:
    """Say in which era *message* was written; raises ``Fault`` where it does not say so consistently."""
    told = headers.get("MCP-Protocol-Version")
    if told not in NEW_ERA and VERSION_KEY not in message.meta:
        if told is not None and told not in OLD_ERA:
            raise _no_version(told)
        return False
    if message.is_notification:
        return True
    missing = [key for key in (VERSION_KEY, CAPABILITIES_KEY) if key not in message.meta]
    if missing:
        raise Fault(INVALID_PARAMS, f"params._meta needs {' and '.join(missing)}.")
    version = message.meta[VERSION_KEY]
    _compare("MCP-Protocol-Version", told, version)
    _compare("Mcp-Method", headers.get("Mcp-Method"), message.method)
    name = message.params.get("name")
    if message.method == "tools/call" and name in TOOLS:
        _compare("Mcp-Name", headers.get("Mcp-Name"), name)
    if version not in NEW_ERA:
        raise _no_version(version)
    return True


def _compare(header: str, told: str | None, said: object) -> None:
    if told != said:
        raise Fault(HEADERS_DIFFER, f"The header {header} does not say what the message says.")


def _no_version(version: str) -> Fault:
    data = {"supported": [*NEW_ERA, *OLD_ERA], "requested": version}
    return Fault(NO_VERSION, "This version of the protocol is not spoken here.", data=data)


def result(id_: str | int | None, content: Mapping[str, Any], *, new_era: bool) -> dict[str, Any]:
    """Return the answer that brings *content*, with what the new era wants to be said besides."""
    more = {"resultType": "complete", "_meta": {SERVER_KEY: _SERVER}} if new_era else {}
    return {"jsonrpc": "2.0", "id": id_, "result": {**content, **more}}


def initialized(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return what to say to a client of the old era that begins: in its version, or in our newest."""
    asked = params.get("protocolVersion")
    return {
        "protocolVersion": asked if asked in OLD_ERA else OLD_ERA[-1],
        "capabilities": {"tools": {}},
        "serverInfo": _SERVER,
        "instructions": INSTRUCTIONS,
    }


def discovered() -> dict[str, Any]:
    """Return what a client of the new era wants to know before anything else."""
    told = {"supportedVersions": list(NEW_ERA), "capabilities": {"tools": {}}, "instructions": INSTRUCTIONS}
    return {**told, **_KEPT}


def listed(*, new_era: bool) -> dict[str, Any]:
    """Return the list of tools; it is the same for everybody."""
    return {"tools": _TOOLS} | (_KEPT if new_era else {})


_KEPT: dict[str, Any] = {"ttlMs": _TTL_MS, "cacheScope": "public"}
_TOOLS = [tool.described() for tool in TOOLS.values()]
