"""The tools for models over HTTP (MCP, streamable HTTP): one request, one answer, and no session."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, current_app

from app.api import mcp_messages as messages
from app.api.errors import BadBody, answer
from app.api.inner_desk import InnerDesk
from app.api.mcp_messages import Answered, Fault, Message
from app.api.routing import CLIENT, Call, Nothing, Routes
from app.domain.errors import Forbidden
from clawtrail.mcp.catalogue import TOOLS, Answer
from clawtrail.mcp.desk import Progress, Steps

routes = Routes("mcp")

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@routes("POST", "/mcp", roles=CLIENT, body=Message, answers=Answered)
def serve_mcp(call: Call[Message, Nothing]) -> Response:
    """Answer one message of the Model Context Protocol: the tools for models, without a session."""
    _check_origin(call)
    _check_types(call)
    message = call.body
    try:
        new_era = messages.is_new_era(message, call.request.headers)
    except Fault as fault:
        return answer(fault.described(message.id), fault.status)
    if message.is_notification:
        return Response(status=202)
    try:
        return _answer(call, new_era=new_era)
    except Fault as fault:  # an old client would take another status than 200 for the loss of its session
        return answer(fault.described(message.id), fault.status if new_era else 200)


def _answer(call: Call[Message, Nothing], *, new_era: bool) -> Response:
    message = call.body
    if message.method == "tools/call":
        return _call_tool(call, new_era=new_era)
    if message.method == "initialize" and not new_era:
        content = messages.initialized(message.params)
    elif message.method == "server/discover" and new_era:
        content = messages.discovered()
    elif message.method == "tools/list":
        content = messages.listed(new_era=new_era)
    elif message.method == "ping":
        content = {}
    else:
        raise Fault(messages.NO_METHOD, f"There is no method {message.method!r} here.", status=404)
    return answer(messages.result(message.id, content, new_era=new_era))


def _call_tool(call: Call[Message, Nothing], *, new_era: bool) -> Response:
    message = call.body
    name, given = message.params.get("name"), message.params.get("arguments")
    tool = TOOLS.get(name) if isinstance(name, str) else None
    if tool is None or not (given is None or isinstance(given, dict)):
        wrong = f"There is no tool {name!r} here." if tool is None else "The arguments are no object."
        raise Fault(messages.INVALID_PARAMS, wrong)
    steps = tool.call(given or {}, InnerDesk(_application(), call.request.environ))
    token = message.meta.get("progressToken")
    if isinstance(token, str | int) and call.request.accept_mimetypes["text/event-stream"]:
        told = _tell(steps, message, token, new_era=new_era)
        return Response(told, mimetype="text/event-stream", headers=_AS_IT_COMES)
    return answer(messages.result(message.id, _finish(steps).described(), new_era=new_era))


def _application() -> Flask:
    # The application itself: the proxy finds it only while this request is in hand, and a stream outlasts it.
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    return app


def _finish(steps: Steps[Answer]) -> Answer:
    try:
        while True:
            next(steps)
    except StopIteration as ended:
        told: Answer = ended.value
        return told


def _tell(steps: Steps[Answer], message: Message, token: str | int, *, new_era: bool) -> Iterator[bytes]:
    """Yield what there is to tell while a tool works, as server-sent events, and its answer at the end."""
    try:
        while True:
            yield _event(_progress(next(steps), token))
    except StopIteration as ended:
        told: Answer = ended.value
        yield _event(messages.result(message.id, told.described(), new_era=new_era))


def _progress(step: Progress, token: str | int) -> dict[str, Any]:
    params = {"progressToken": token, "progress": step.seconds, "total": step.of, "message": step.message}
    return {"jsonrpc": "2.0", "method": "notifications/progress", "params": params}


def _event(told: dict[str, Any]) -> bytes:
    return f"event: message\ndata: {json.dumps(told)}\n\n".encode()


_AS_IT_COMES = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


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
