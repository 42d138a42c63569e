"""Which HTTP status each error has, and how errors look: a sentence and a stable code."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from app.domain import errors

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

STATUS: dict[type[errors.ServiceError], int] = {
    errors.InvalidRequest: 400,
    errors.TaskNotFound: 404,
    errors.WorkerNotFound: 404,
    errors.TokenNotFound: 404,
    errors.ApprovalNotFound: 404,
    errors.ScheduleNotFound: 404,
    errors.BeyondRecord: 404,
    errors.NameTaken: 409,
    errors.ScheduleExists: 409,
    errors.ScheduleBusy: 409,
    errors.Unauthorized: 401,
    errors.Forbidden: 403,
    errors.OwnSubmission: 403,
    errors.AlreadyDecided: 409,
    errors.IllegalTransition: 409,
    errors.LeaseLost: 409,
    errors.CancelRequested: 409,
    errors.IdempotencyConflict: 409,
    errors.OutputGap: 409,
    errors.QueueFull: 429,
    errors.BudgetSpent: 402,
    errors.NoBotToken: 500,
    errors.NotDelivered: 502,
    errors.StorageFailed: 503,
    errors.OutcomeUnknown: 503,
    errors.RecordDamaged: 503,
    errors.ShuttingDown: 503,
}
HTTP_CODES = {
    400: "invalid_request",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    413: "body_too_large",
    415: "unsupported_media_type",
    429: "rate_limited",
    431: "headers_too_large",
}
HTTP_SENTENCES = {
    404: "There is nothing at this address; see /docs.",
    405: "This address does not take that method; see /docs.",
    413: "The body is larger than this server takes.",
    429: "Too many submissions with this token; wait before the next.",
    431: "The headers are larger than this server takes.",
}

OLD_POLL = "/worker/poll"
MCP = "/mcp"

_log = logging.getLogger("clawtrail.api")


class BadBody(Exception):
    """A request whose body or query cannot be taken: its status, code and sentence."""

    def __init__(self, message: str, *, code: str = "invalid_request", status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class Json(Response):
    """An answer whose head is complete as it is: what werkzeug would look up and add is known here."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as WSGI has it."""
        start_response(self.status, self.headers.to_wsgi_list())
        return () if environ["REQUEST_METHOD"] == "HEAD" else cast("list[bytes]", self.response)


def answer(body: object, status: int = 200) -> Response:
    """Return *body* as a JSON response."""
    content, headers = _as_json(body)
    return Json([content], _STATUS[status], headers)


def send(body: object, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    """Answer 200 with *body*, as calling ``answer(body)`` would, with nothing made in between."""
    content, headers = _as_json(body)
    start_response(_STATUS[200], headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [content]


def _as_json(body: object) -> tuple[bytes, list[tuple[str, str]]]:
    content = _encode(body).encode("utf-8", "replace")
    return content, [("Content-Type", "application/json"), ("Content-Length", str(len(content)))]


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_STATUS = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


def refusal(error: str, code: str, status: int, **more: Any) -> Response:  # noqa: ANN401 - JSON
    """Return an error as clients know it: ``{"error": sentence, "code": word}``."""
    response = answer({"error": error, "code": code, **more}, status)
    if status in (429, 503):
        response.headers["Retry-After"] = "1"
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def present(error: Exception) -> Response:
    """Return the response for an error of ours; anything unforeseen is a 500 without details."""
    if isinstance(error, errors.ServiceError):
        return refusal(str(error), error.code, STATUS[type(error)], **error.more)
    if isinstance(error, BadBody):
        return refusal(str(error), error.code, error.status)
    if isinstance(error, HTTPException):
        return _present_http(error)
    _log.error("unforeseen error", exc_info=error)
    return refusal("Something went wrong on the server; its log says what.", "internal_error", 500)


def register(app: Flask) -> None:
    """Let *app* answer every error as JSON."""
    app.register_error_handler(Exception, lambda error: handle(error, request.method, request.path))


def handle(error: Exception, method: str, path: str) -> Response:
    """Return the response for an error of a request, as its sort of caller understands it."""
    response = present(error)
    if path == OLD_POLL and method == "GET":
        return _for_old_worker(response)
    return _for_model(response) if path == MCP else response


def _for_old_worker(refused: Response) -> Response:
    """Return what an old worker survives: 401, or that there is no task; anything else true ends it."""
    if refused.status_code in (401, 403):
        return present(errors.Unauthorized())
    return answer(None)


def _for_model(refused: Response) -> Response:
    """Return the refusal with what a program expects that speaks JSON-RPC: a number beside the sentence."""
    told = json.loads(refused.get_data())
    number = _NUMBERS.get(told["code"], -32000)
    error = {"code": number, "message": told["error"], "data": {"code": told["code"]}}
    response = answer({"jsonrpc": "2.0", "id": None, "error": error}, refused.status_code)
    for name in ("WWW-Authenticate", "Retry-After", "Allow"):
        if name in refused.headers:
            response.headers[name] = refused.headers[name]
    return response


_NUMBERS = {"invalid_json": -32700, "invalid_request": -32600}


def _present_http(error: HTTPException) -> Response:
    status = error.code or 500
    if status < 400:
        return Response(status=status, headers=list(error.get_headers()))
    code = HTTP_CODES.get(status, "invalid_request" if status < 500 else "internal_error")
    sentence = HTTP_SENTENCES.get(status) or error.description or error.name
    response = refusal(sentence, code, status)
    if isinstance(error, MethodNotAllowed):
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
    return response
