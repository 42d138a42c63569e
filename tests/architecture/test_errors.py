"""Every error of the service has a code of its own, and a status that HTTP clients understand."""

import re
from collections.abc import Iterator

from app.api.errors import STATUS
from app.domain import errors
from app.domain.errors import ServiceError


def _below(error: type[ServiceError]) -> Iterator[type[ServiceError]]:
    for child in error.__subclasses__():
        yield child
        yield from _below(child)


def test_every_error_has_a_status() -> None:
    """For each class of error the API decides a status between 400 and 599."""
    assert set(STATUS) == set(_below(ServiceError))
    assert all(400 <= status <= 599 for status in STATUS.values())


def test_codes_tell_errors_apart() -> None:
    """No two errors share a code, and codes are plain words in snake case."""
    codes = [error.code for error in STATUS]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", code) for code in codes)


def test_tree_in_the_docstring_is_the_tree() -> None:
    """The drawing at the top of the module names every error, and no other."""
    drawn = re.findall(r"──\s(\w+)", errors.__doc__ or "")
    assert sorted(drawn) == sorted(error.__name__ for error in _below(ServiceError))
