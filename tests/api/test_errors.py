"""How errors look: a status for each, a sentence, a stable code, and nothing of the inside."""

from __future__ import annotations

import re
from typing import NoReturn

import pytest

from app.api.errors import STATUS
from app.domain import errors
from tests.support import cast
from tests.support.service import RunningService

ERRORS = [
    error
    for error in vars(errors).values()
    if isinstance(error, type) and issubclass(error, errors.ServiceError) and error is not errors.ServiceError
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_every_error_has_a_status_and_a_code(error: type[errors.ServiceError]) -> None:
    """No error of ours falls through to 500, and each has a word of its own."""
    assert 400 <= STATUS[error] <= 503
    # Old programs know a server without a bot by this status.
    assert (STATUS[error] == 500) == (error is errors.NoBotToken)
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", error.code)
    assert [other for other in ERRORS if other.code == error.code] == [error]
    assert str(error())


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_an_error_on_its_way_out_keeps_its_words(
    service: RunningService, error: type[errors.ServiceError]
) -> None:
    """Whatever an act raises arrives with its status, sentence and code; who may try again is told when."""

    def fail() -> NoReturn:
        raise error

    service.app.add_url_rule("/fail", view_func=fail)
    response = service.as_(cast.ADA).get("/fail")
    assert response.status_code == STATUS[error]
    assert response.get_json() == {"error": str(error()), "code": error.code}
    assert ("Retry-After" in response.headers) == (response.status_code in (429, 503))


def test_what_nobody_foresaw_is_500_without_details(
    service: RunningService, caplog: pytest.LogCaptureFixture
) -> None:
    """The caller learns that it is the server's fault, the log learns what it was."""

    def fail() -> NoReturn:
        raise KeyError("a secret of the inside")

    service.app.add_url_rule("/fail", view_func=fail)
    response = service.as_(cast.ADA).get("/fail")
    assert (response.status_code, response.get_json()["code"]) == (500, "internal_error")
    assert "secret" not in response.text
    assert response.headers["X-Request-Id"]
    assert "a secret of the inside" in caplog.text
