"""The people of the tests: who they are, and the tokens that they hold."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from app.domain.roles import Role
from app.services import access

DAY_MS = 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a token, or without one; *roles* are those in which the server lets them act."""

    name: str
    token: str | None
    roles: frozenset[Role] = frozenset()

    @property
    def headers(self) -> dict[str, str]:
        """The header by which they are known."""
        return {} if self.token is None else {"Authorization": f"Bearer {self.token}"}

    def actor(self, role: Role) -> str:
        """Return the name under which the record knows them in *role*."""
        return f"{role}:{self.name}"


def _with_token(name: str, role: Role) -> Person:
    return Person(name, access.new_token(role), frozenset({role}))


ADA = _with_token("ada", Role.CLIENT)
BEN = _with_token("ben", Role.CLIENT)
WIM = _with_token("wim", Role.WORKER)
WES = _with_token("wes", Role.WORKER)
ANN = _with_token("ann", Role.APPROVER)
ODO = _with_token("odo", Role.AUDITOR)
MAX = _with_token("max", Role.ADMIN)
"""Ada and Ben submit, Wim and Wes work, Ann approves, Odo audits, Max administers."""

REX = Person("rex", access.new_token(Role.ADMIN))
"""His token was revoked."""

ELI = Person("eli", access.new_token(Role.ADMIN))
"""His token has run out."""

OLD = Person("shared", "one-token-for-everything-0123456789", frozenset({Role.CLIENT, Role.WORKER}))
"""An old deployment with its one shared token."""

NOBODY = Person("nobody", None)
"""A stranger without a token."""

STAFF = (ADA, BEN, WIM, WES, ANN, ODO, MAX)
STRANGERS = (NOBODY, REX, ELI)
EVERYBODY = (*STAFF, OLD, *STRANGERS)


def hire(conn: Connection, *, now: int) -> None:
    """Make the tokens of the whole cast; Rex's is revoked and Eli's ends at *now*.

    Call it in the writer, once per database.
    """
    for person in STAFF:
        (role,) = person.roles
        _create(conn, person, role, expires_at=now + 365 * DAY_MS, now=now)
    _create(conn, REX, Role.ADMIN, expires_at=None, now=now)
    _create(conn, ELI, Role.ADMIN, expires_at=now, now=now)
    access.revoke(conn, name=REX.name, actor=_BY, now=now)


_BY = "system:cli"


def _create(conn: Connection, person: Person, role: Role, *, expires_at: int | None, now: int) -> None:
    assert person.token is not None
    access.create(
        conn,
        name=person.name,
        role=role,
        token=person.token,
        expires_at=expires_at,
        actor=_BY,
        now=now,
    )
