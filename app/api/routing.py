"""How a route is declared: who may call it, what it takes, what it gives, in one line each."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import wraps
from types import CoroutineType
from typing import Any, Generic, TypeVar

from flask import Blueprint, Request, Response, current_app, request
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import RequestEntityTooLarge

from app.api import bodies
from app.api.errors import BadBody, answer
from app.api.service import Service
from app.api.unfinished import Unfinished
from app.domain.errors import Forbidden, Unauthorized
from app.domain.roles import Principal, Role
from app.waiting import Doorway

ANYBODY: frozenset[Role] = frozenset()
"""For routes without a token."""

CLIENT = frozenset({Role.CLIENT, Role.ADMIN})
READERS = frozenset({Role.CLIENT, Role.APPROVER, Role.AUDITOR, Role.ADMIN})
WORKER = frozenset({Role.WORKER})
ADMIN = frozenset({Role.ADMIN})
AUDITORS = frozenset({Role.AUDITOR, Role.ADMIN})
APPROVERS = frozenset({Role.APPROVER, Role.ADMIN})
ANYONE = frozenset(Role)
"""Whoever has a token: all can be witnesses of the record."""

DOORWAY = "clawtrail.doorway"
"""The key in the WSGI environment of the doorway that the server's port has, if of its own."""

PRINCIPAL = "clawtrail.principal"
"""The key in the WSGI environment of who is calling, once that is known."""

B = TypeVar("B", bound=BaseModel)
Q = TypeVar("Q", bound=BaseModel)


class Nothing(BaseModel):
    """No body, or no query."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One route, as the documents and the tests of roles walk it."""

    method: str
    path: str
    roles: frozenset[Role]
    body: type[BaseModel]
    query: type[BaseModel]
    answer: type[BaseModel]
    view: Callable[..., Any]
    limited: bool

    @property
    def summary(self) -> str:
        """The first line of the view's docstring."""
        return (self.view.__doc__ or "").strip().split("\n", 1)[0]


@dataclass(slots=True)
class Call(Generic[B, Q]):
    """One request on its way to an act: who calls, and what they say."""

    service: Service
    principal: Principal
    role: Role
    body: B
    query: Q
    request: Request
    now: int

    @property
    def actor(self) -> str:
        """The caller's name on the record."""
        return self.principal.actor(self.role)

    @property
    def doorway(self) -> Doorway:
        """Where this request's wait has to be admitted."""
        found: Doorway = self.request.environ.get(DOORWAY, self.service.doorway)
        return found

    def alive(self) -> bool:
        """Say whether the caller still listens and its token still holds; any thread may ask."""
        gone = self.request.environ.get("waitress.client_disconnected")
        if gone is not None and gone():
            return False
        return self.service.tokens.is_valid(self.principal, now=self.service.clock())

    def deadline(self, wait_ms: int | None, most_ms: int) -> float:
        """Return the ``time.monotonic`` instant at which a wait of *wait_ms* is over."""
        return time.monotonic() + max(0, min(wait_ms or 0, most_ms)) / 1000


@dataclass(slots=True)
class Routes:
    """The routes of one subject: a blueprint, and what each of its endpoints promises."""

    name: str
    endpoints: list[Endpoint] = field(default_factory=list)

    def __call__(
        self,
        method: str,
        path: str,
        *,
        roles: frozenset[Role],
        answers: type[BaseModel] = Nothing,
        body: type[BaseModel] = Nothing,
        query: type[BaseModel] = Nothing,
        limited: bool = False,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Declare the decorated function as the view of ``METHOD path``.

        The view gets a ``Call`` and the variables of the path. What it returns becomes JSON;
        *limited* routes count against the token's rate.
        """

        def declare(view: Callable[..., Any]) -> Callable[..., Any]:
            self.endpoints.append(
                Endpoint(method, path, roles, body, query, answers, view, limited),
            )
            return view

        return declare

    def blueprint(self, service: Service, limit: Callable[[Any], Any]) -> Blueprint:
        """Return the Flask blueprint that serves these routes; *limit* wraps the limited ones."""
        blueprint = Blueprint(self.name, __name__)
        for endpoint in self.endpoints:
            serve = _server(service, endpoint)
            blueprint.add_url_rule(
                _flask_path(endpoint.path),
                endpoint=f"{endpoint.method}_{endpoint.view.__name__}",
                view_func=limit(serve) if endpoint.limited else serve,
                methods=[endpoint.method],
            )
        return blueprint


def _server(service: Service, endpoint: Endpoint) -> Callable[..., Response]:
    @wraps(endpoint.view)
    def serve(**variables: str) -> Response:
        return _serve(service, endpoint, **variables)

    return serve


def _serve(service: Service, endpoint: Endpoint, **variables: str) -> Response:
    # The request itself: the proxy looks it up anew at each use, and only in its own thread.
    asked: Request = request._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    now = service.clock()
    principal, role = _admit(service, endpoint, asked, now)
    body, query = _body(endpoint, asked), _query(endpoint, asked)
    call: Call[Any, Any] = Call(service, principal, role, body, query, asked, now)
    told = endpoint.view(call, **variables)
    if isinstance(told, CoroutineType):
        return Unfinished(told)
    return told if isinstance(told, Response) else answer(told)


def _admit(service: Service, endpoint: Endpoint, asked: Request, now: int) -> tuple[Principal, Role]:
    if not endpoint.roles:
        return _NOBODY, Role.CLIENT
    principal = service.tokens.find(asked.environ.get("HTTP_AUTHORIZATION"), now=now)
    if principal is None:
        raise Unauthorized
    asked.environ[PRINCIPAL] = principal
    role = principal.acting_role(endpoint.roles)
    if role is None:
        names = " or ".join(sorted(endpoint.roles))
        raise Forbidden(f"This needs a token of the role {names}.")
    return principal, role


_NOBODY = Principal("nobody", frozenset())


def _body(endpoint: Endpoint, asked: Request) -> BaseModel:
    if endpoint.method == "GET":
        return _NOTHING
    value = bodies.read_json(_raw(asked), asked.environ.get("CONTENT_TYPE"))
    return bodies.validate(endpoint.body, value)


def _raw(asked: Request) -> bytes:
    """Return the bytes of the body; raises 413 when there are too many of them."""
    length, stream = asked.environ.get("CONTENT_LENGTH"), asked.environ["wsgi.input"]
    if not length or not length.isdecimal() or len(length) > MAX_DIGITS:
        return asked.get_data(cache=False)  # chunked, or odd: Werkzeug knows what to do
    most = asked.max_content_length
    if most is not None and int(length) > most:
        raise RequestEntityTooLarge
    data: bytes = stream.read(int(length))
    return data


MAX_DIGITS = 12
_NOTHING = Nothing()


def _query(endpoint: Endpoint, asked: Request) -> BaseModel:
    if endpoint.query is Nothing:
        return _NOTHING
    # A word given again is one more of a list, as in state=failed&state=unknown.
    words = asked.args.lists() if asked.environ.get("QUERY_STRING") else ()
    given = {name: ",".join(values) for name, values in words}
    if any("\0" in value or "\ufffd" in value for value in given.values()):
        raise BadBody("The query holds characters that no text has.")
    try:
        return endpoint.query.model_validate(given)
    except ValidationError as error:
        raise BadBody(bodies.sentence(error)) from error


def _flask_path(path: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: f"<{_converter(found[1])}{found[1]}>", path)


def _converter(variable: str) -> str:
    return "path:" if variable in WITH_SLASHES else ""


WITH_SLASHES = {"worker_id", "tile", "bundle"}
"""Variables that go on over slashes; the id of a worker with the shared token is shared/NAME."""


def all_endpoints(subjects: Iterable[Routes]) -> list[Endpoint]:
    """Return the endpoints of every subject, for the OpenAPI document and the tests."""
    return [endpoint for routes in subjects for endpoint in routes.endpoints]


def service_of() -> Service:
    """Return the service behind the application that serves the present request."""
    found: Service = current_app.extensions["clawtrail"]
    return found
