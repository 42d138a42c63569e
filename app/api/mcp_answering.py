"""Answering one message of the Model Context Protocol, and calling the tool that it names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from flask import Flask, Response, current_app

from app.api import mcp_messages as messages
from app.api.errors import answer
from app.api.inner_desk import InnerDesk
from app.api.mcp_messages import Fault
from app.api.mcp_models import Message
from app.api.routing import Call, Nothing
from clawtrail.mcp.catalogue import TOOLS, Answer
from clawtrail.mcp.desk import Progress, Steps


def answered(call: Call[Message, Nothing]) -> Response:
    """Return the answer to the message in *call*; a fault in it is an answer, too."""
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
