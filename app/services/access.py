"""Tokens: made once and shown once, kept as hashes, checked in constant time, revoked for good."""

from __future__ import annotations

import binascii
import hashlib
import hmac
import re
import secrets
import string
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, func, insert, or_, select, update

from app.domain.errors import InvalidRequest, NameTaken, TokenNotFound
from app.domain.event_types import EventType
from app.domain.roles import SHARED_NAME, TOKEN_PREFIXES, Principal, Role
from app.services import record
from app.storage.tables import AnyRow, tokens

NAME_FORM = re.compile(r"[A-Za-z0-9][\w.-]{0,63}", re.ASCII)
SECRET_LENGTH = 32
CHECK_LENGTH = 6
_LETTERS = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class KnownToken:
    """A token as the server keeps it: whose it is, and the hash that proves it."""

    principal: Principal
    hash: bytes


def new_token(role: Role) -> str:
    """Return a fresh token of *role*: its prefix, 190 random bits and a checksum against typos."""
    secret = "".join(secrets.choice(_LETTERS) for _ in range(SECRET_LENGTH))
    body = TOKEN_PREFIXES[role] + secret
    return body + checksum(body)


def checksum(body: str) -> str:
    """Return the six letters that end a token: its CRC-32 in base 62."""
    rest, letters = binascii.crc32(body.encode()), ""
    for _ in range(CHECK_LENGTH):
        rest, digit = divmod(rest, len(_LETTERS))
        letters = _LETTERS[digit] + letters
    return letters


def token_hash(token: str) -> bytes:
    """Return what is kept of a token. It is random enough for a plain SHA-256."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def create(
    conn: Connection,
    *,
    name: str,
    role: Role,
    token: str,
    expires_at: int | None,
    actor: str,
    now: int,
    max_cost_micros: int | None = None,
) -> None:
    """Keep the hash of *token* under *name*, perhaps with a budget for agents (see ``budgets``).

    Raises ``NameTaken`` when a valid token has the name, ``InvalidRequest`` for a name that is
    not letters, digits, ``_``, ``.``, ``-`` (64 at most) or is the reserved ``shared``, and for a
    budget of a role that submits nothing.
    """
    if not NAME_FORM.fullmatch(name) or name == SHARED_NAME:
        raise InvalidRequest(
            "A token's name is 1 to 64 letters, digits, '_', '.' or '-', and not 'shared'.",
        )
    if max_cost_micros is not None and role not in (Role.CLIENT, Role.ADMIN):
        raise InvalidRequest(f"A token of the role {role} submits nothing, so it needs no budget.")
    if _find(conn, name) is not None:
        raise NameTaken
    conn.execute(
        insert(tokens),
        {
            "name": name,
            "role": role.value,
            "hash": token_hash(token),
            "created_at": now,
            "expires_at": expires_at,
            "max_cost_micros": max_cost_micros,
        },
    )
    record.append(
        conn,
        EventType.TOKEN_CREATED,
        at=now,
        actor=actor,
        name=name,
        role=role.value,
        expires_at=expires_at,
        max_cost_micros=max_cost_micros,
    )


def revoke(conn: Connection, *, name: str, actor: str, now: int) -> None:
    """Make the token of this name invalid for good; raises ``TokenNotFound``."""
    row = _find(conn, name)
    if row is None:
        raise TokenNotFound
    conn.execute(update(tokens).where(tokens.c.id == row.id).values(revoked_at=now))
    record.append(conn, EventType.TOKEN_REVOKED, at=now, actor=actor, name=name, role=row.role)


def list_tokens(conn: Connection) -> list[AnyRow]:
    """Return every token ever made, without anything secret."""
    columns = (c for c in tokens.c if c.name != "hash")
    return list(conn.execute(select(*columns).order_by(tokens.c.id)))


def load(conn: Connection, *, now: int) -> list[KnownToken]:
    """Return the tokens that are valid at *now*."""
    valid = select(tokens).where(
        tokens.c.revoked_at.is_(None),
        or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > now),
    )
    return [KnownToken(_principal(row), row.hash) for row in conn.execute(valid)]


def _principal(row: AnyRow) -> Principal:
    return Principal(row.name, frozenset({Role(row.role)}), row.expires_at, row.id, row.max_cost_micros)


def find_holder(conn: Connection, actor: str, *, shared: bool, now: int) -> Principal | None:
    """Return who acts as *actor* (``client:ada``) with a token that is valid at *now*, or None.

    A new token of the same name and role counts: it is the same name on the record. *shared* says whether
    the server has a shared token.
    """
    role, _, name = actor.partition(":")
    if name == SHARED_NAME:
        return Principal(SHARED_NAME, frozenset({Role.CLIENT, Role.WORKER})) if shared else None
    row = _find(conn, name)
    if row is None or row.role != role or (row.expires_at is not None and row.expires_at <= now):
        return None
    return _principal(row)


def check(known: list[KnownToken], token: str, *, now: int) -> Principal | None:
    """Return whose *token* it is, or None. Every known hash is compared, whichever fits."""
    offered, found = token_hash(token), None
    for one in known:
        if hmac.compare_digest(one.hash, offered):
            found = one.principal
    if found is not None and found.expires_at is not None and found.expires_at <= now:
        return None
    return found


def version(conn: Connection) -> tuple[int, int]:
    """Return a pair that changes whenever a token is made or revoked."""
    row = conn.execute(_VERSION).one()
    return (row[0], row[1])


_VERSION = select(func.count(tokens.c.id), func.count(tokens.c.revoked_at))
_BY_NAME = select(tokens).where(tokens.c.name == bindparam("name"), tokens.c.revoked_at.is_(None))


def _find(conn: Connection, name: str) -> AnyRow | None:
    return conn.execute(_BY_NAME, {"name": name}).first()
