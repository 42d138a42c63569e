"""The OpenAPI document, made from the models that validate, and a page to read it."""

from __future__ import annotations

import html
import re
from functools import cache
from typing import Any

from flask import Response
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from app.api.answers import Accepted
from app.api.health import VERSION
from app.api.mcp_models import Answered
from app.api.routing import ANYBODY, Call, Endpoint, Nothing, Routes

routes = Routes("documents")
_endpoints: list[Endpoint] = []
"""Every endpoint of the service; ``describe`` fills it, before the first request."""

_REFERENCE = "#/components/schemas/{model}"
_ERRORS = {
    "400": "The request is not valid.",
    "401": "No valid token.",
    "402": "The token's budget is spent.",
    "403": "The token's role does not allow it.",
    "404": "There is no such thing.",
    "406": "The caller does not accept JSON.",
    "409": "The state of things does not allow it.",
    "413": "The body is too large.",
    "415": "The body is not JSON.",
    "429": "Too much at once.",
    "500": "A fault of the server, or of its settings.",
    "502": "The chat did not take the message.",
    "503": "Not now; try again.",
}


def describe(endpoints: list[Endpoint]) -> None:
    """Tell which endpoints the documents are about; called once, by the factory."""
    _endpoints[:] = endpoints
    _written.cache_clear()


@routes("GET", "/openapi.json", roles=ANYBODY)
def openapi(_call: Call[Nothing, Nothing]) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of this interface."""
    return _written()


@routes("GET", "/docs", roles=ANYBODY)
def docs(_call: Call[Nothing, Nothing]) -> Response:
    """Return a page that lists every route, what it takes and what it gives."""
    return Response(page(_written()), mimetype="text/html")


@cache
def _written() -> dict[str, Any]:
    """Write the document once: it takes long, and strangers may ask for it."""
    return document(_endpoints)


def document(endpoints: list[Endpoint]) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of *endpoints*."""
    models = {e.body for e in endpoints} | {e.answer for e in endpoints}
    used = sorted(models - {Nothing}, key=lambda model: model.__name__)
    refs, schemas = models_json_schema([(model, "validation") for model in used], ref_template=_REFERENCE)
    names = {model: refs[(model, "validation")]["$ref"].rsplit("/", 1)[1] for model in used}
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, names)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Clawtrail Task API",
            "version": VERSION,
            "description": "A mailbox for tasks with a permanent record of all that happens to them.",
        },
        "paths": paths,
        "components": {
            "schemas": {**schemas.get("$defs", {}), "Error": _ERROR},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


_ERROR = {
    "type": "object",
    "required": ["error", "code"],
    "properties": {"error": {"type": "string"}, "code": {"type": "string"}},
}


def _operation(endpoint: Endpoint, names: dict[type[BaseModel], str]) -> dict[str, Any]:
    roles = ", ".join(sorted(endpoint.roles)) or "anybody"
    operation: dict[str, Any] = {
        "operationId": endpoint.view.__name__,
        "summary": endpoint.summary,
        "description": f"Roles: {roles}.",
        "parameters": [*_path_parameters(endpoint.path), *_query_parameters(endpoint.query)],
        "responses": {"200": _response(endpoint, names), **_error_responses(_error_model(endpoint))},
    }
    if endpoint.roles:
        operation["security"] = [{"token": []}]
    if endpoint.body is not Nothing:
        schema = {"$ref": _REFERENCE.format(model=names[endpoint.body])}
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema}},
        }
    return operation


def _response(endpoint: Endpoint, names: dict[type[BaseModel], str]) -> dict[str, Any]:
    if endpoint.answer is Nothing:
        return {"description": "See the summary."}
    schema: dict[str, Any] = {"$ref": _REFERENCE.format(model=names[endpoint.answer])}
    if issubclass(endpoint.answer, Accepted):  # with `wait` the answer is the result itself
        schema = {"anyOf": [schema, {"$ref": _REFERENCE.format(model="Result")}]}
    return {"description": "It is done.", "content": {"application/json": {"schema": schema}}}


def _error_model(endpoint: Endpoint) -> str:
    """Return which model errors have: that of JSON-RPC where everything else has its form."""
    return Answered.__name__ if endpoint.answer is Answered else "Error"


def _error_responses(model: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": _REFERENCE.format(model=model)}}}
    return {status: {"description": text, "content": content} for status, text in _ERRORS.items()}


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", path)
    ]


def _query_parameters(query: type[BaseModel]) -> list[dict[str, Any]]:
    schema = query.model_json_schema(ref_template=_REFERENCE)
    return [
        {"name": name, "in": "query", "required": False, "schema": told}
        for name, told in schema.get("properties", {}).items()
    ]


def page(told: dict[str, Any]) -> str:
    """Return the document *told* as one HTML page without scripts."""
    rows = [
        f"<section><h2><b>{method.upper()}</b> <code>{html.escape(path)}</code></h2>"
        f"<p>{html.escape(operation['summary'])}</p>"
        f"<p class=roles>{html.escape(operation['description'])}</p>"
        f"{_parameters(operation)}</section>"
        for path, methods in told["paths"].items()
        for method, operation in methods.items()
    ]
    return _PAGE.format(title=html.escape(told["info"]["title"]), body="\n".join(rows))


def _parameters(operation: dict[str, Any]) -> str:
    words = [f"<code>{html.escape(p['name'])}</code> ({p['in']})" for p in operation["parameters"]]
    body = operation.get("requestBody")
    if body is not None:
        name = body["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
        words.append(f"body <code>{html.escape(name)}</code>")
    return f"<p>Takes {', '.join(words)}.</p>" if words else ""


_PAGE = """<!doctype html>
<html lang=en><meta charset=utf-8><meta name=viewport content="width=device-width">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }}
h2 {{ font-size: 1.05rem; margin: 1.6rem 0 .2rem; }} p {{ margin: .2rem 0; }}
code {{ background: #8881; padding: .1rem .3rem; border-radius: .2rem; }} .roles {{ color: #777; }}
:root {{ color-scheme: light dark; }}
</style>
<h1>{title}</h1>
<p>Send <code>Authorization: Bearer TOKEN</code>. Errors are
<code>{{"error": sentence, "code": word}}</code>. The machine-readable document is
<a href="/openapi.json">/openapi.json</a>.</p>
{body}
</html>
"""
