"""The tools for models over HTTP (MCP, streamable HTTP): one request, one answer, and no session."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Response

from app.api.errors import BadBody
from app.api.mcp_models import Answered, Message
from app.api.routing import CLIENT, Call, Nothing, Routes
from app.domain.errors import Forbidden

routes = Routes("mcp")

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@routes("POST", "/mcp", roles=CLIENT, body=Message, answers=Answered)
def serve_mcp(call: Call[Message, Nothing]) -> Response:
    """Answer one message of the Model Context Protocol: the tools for models, without a session."""
    from app.api import mcp_answering  # noqa: PLC0415 - the tools take 1 MB, and many servers serve no model

    _check_origin(call)
    _check_types(call)
    return mcp_answering.answered(call)


def _check_origin(call: Call[Message, Nothing]) -> None:
    """Refuse what a page of a stranger asks, whatever name it got itself for this machine (DNS rebinding)."""
    origin = call.request.headers.get("Origin")
    if origin is None or origin in call.service.settings.mcp_origins_allowed:
        return
    if _host(origin) not in _LOOPBACK:
        raise Forbidden("Pages of this origin may not call here; CLAWTRAIL_MCP_ORIGINS names those that may.")


def _host(origin: str) -> str | None:
    try:
        return urlsplit(origin).hostname
    except ValueError:
        return None


def _check_types(call: Call[Message, Nothing]) -> None:
    if not call.request.content_type:
        raise BadBody("Say Content-Type: application/json.", code="unsupported_media_type", status=415)
    if call.request.accept_mimetypes and not call.request.accept_mimetypes["application/json"]:
        raise BadBody("Accept application/json, for that is what comes.", code="not_acceptable", status=406)
