"""Where tools ask the service that they are served by: as a request like any other, without a connection."""

from __future__ import annotations

import json
from collections.abc import Iterable
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from flask import Flask
from werkzeug.wrappers import Response

from app.api.unfinished import SUSPENDS
from clawtrail.mcp.desk import Json, Refusal, Request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_OWN = (
    "HTTP_IDEMPOTENCY_KEY",
    "HTTP_TRANSFER_ENCODING",
    "wsgi.input_terminated",
    "werkzeug.request",
    SUSPENDS,
)


class InnerDesk:
    """A desk inside of *app* for one request to it; for the one thread that answers that request.

    What is asked here goes the whole way of a request with the same token from the same connection: roles,
    limits, idempotency and errors are those of the routes. Only the line in the log is the outer one's.
    """

    def __init__(self, app: Flask, environ: WSGIEnvironment) -> None:
        self._app = app
        self._environ = {name: value for name, value in environ.items() if name not in _OWN}

    def ask(self, request: Request) -> Json:
        """Return what the route answers; its refusals are ``Refusal``, and a caller who has gone is one."""
        gone = self._environ.get("waitress.client_disconnected")
        if gone is not None and gone():
            raise Refusal("The caller has gone.")
        response = Response.from_app(self._answer, self._inner(request), buffered=True)
        told: dict[str, Any] = json.loads(response.get_data())
        if response.status_code >= 400:
            raise Refusal(str(told["error"]))
        return told

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        # The class's own: around the application's lies the log, which has a line for the outer request.
        return Flask.wsgi_app(self._app, environ, start_response)

    def _inner(self, request: Request) -> WSGIEnvironment:
        query = dict(request.query) | ({"wait": round(request.wait * 1000)} if request.wait > 0 else {})
        body = b"" if request.body is None else json.dumps(request.body).encode()
        environ = self._environ | {
            "REQUEST_METHOD": request.method,
            # WSGI's paths are bytes, told as Latin-1.
            "PATH_INFO": request.path.format(**request.variables).encode().decode("latin-1"),
            "QUERY_STRING": urlencode(query),
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": BytesIO(body),
        }
        return environ if request.key is None else environ | {"HTTP_IDEMPOTENCY_KEY": request.key}
