"""Tokens: shown once, kept as hashes, checked whole, revoked for good."""

from __future__ import annotations

import pytest

from app.domain.errors import InvalidRequest, NameTaken, TokenNotFound
from app.domain.roles import TOKEN_PREFIXES, Role
from app.services import access
from tests.support.database import Database

BY = "system:operator"


def make(db: Database, name: str, *, role: Role = Role.CLIENT, expires_at: int | None = None) -> str:
    """Make a token and return it."""
    token = access.new_token(role)
    db.write(
        lambda conn: access.create(
            conn, name=name, role=role, token=token, expires_at=expires_at, actor=BY, now=db.now
        )
    )
    return token


def whose(db: Database, token: str) -> str | None:
    """Return whose token it is, as the server would find it now."""
    known = db.read(lambda conn: access.load(conn, now=db.now))
    found = access.check(known, token, now=db.now)
    return None if found is None else found.name


@pytest.mark.parametrize("role", list(Role))
def test_a_new_token_shows_its_role_and_ends_with_its_checksum(role: Role) -> None:
    """The prefix tells what it is for, the last six letters find a typing error; two are never the same."""
    token = access.new_token(role)
    assert token.startswith(TOKEN_PREFIXES[role])
    assert token[-6:] == access.checksum(token[:-6])
    assert token != access.new_token(role)


def test_a_token_is_known_by_its_hash_alone(db: Database) -> None:
    """Nothing in the database holds the token itself."""
    token = make(db, "ada")
    assert whose(db, token) == "ada"
    assert whose(db, token[:-1] + "x") is None
    db.close()
    kept = b"".join(file.read_bytes() for file in db.path.parent.iterdir())
    assert b"ada" in kept
    assert token[4:20].encode() not in kept


def test_a_revoked_token_is_nobodys_and_its_name_is_free(db: Database) -> None:
    """After the revocation the token is refused, and a new one may have its name."""
    old = make(db, "ada")
    with pytest.raises(NameTaken):
        make(db, "ada")
    db.write(lambda conn: access.revoke(conn, name="ada", actor=BY, now=db.now))
    assert whose(db, old) is None
    new = make(db, "ada")
    assert (whose(db, old), whose(db, new)) == (None, "ada")
    with pytest.raises(TokenNotFound):
        db.write(lambda conn: access.revoke(conn, name="ben", actor=BY, now=db.now))
    told = [row.type for row in db.events()]
    assert told == ["token.created", "token.revoked", "token.created"]


def test_a_token_ends_at_its_time(db: Database) -> None:
    """Valid until the instant, not at it; one that was loaded while valid ends as well."""
    token = make(db, "ada", expires_at=db.now + 1_000)
    known = db.read(lambda conn: access.load(conn, now=db.now))
    db.pass_time(999)
    assert whose(db, token) == "ada"
    db.pass_time(1)
    assert whose(db, token) is None
    assert access.check(known, token, now=db.now) is None


@pytest.mark.parametrize("name", ["", "shared", "a b", "-x", "a/b", "ä", "x" * 65, "a\n", "a:b"])
def test_a_name_is_a_plain_word(db: Database, name: str) -> None:
    """Names end up in actors and worker ids: separators, blanks and the reserved name are refused."""
    with pytest.raises(InvalidRequest):
        make(db, name)
    assert db.events() == []


def test_the_version_changes_with_every_change(db: Database) -> None:
    """Making and revoking each show, so that a running server reads the tokens anew."""
    seen = [db.read(access.version)]
    make(db, "ada")
    seen.append(db.read(access.version))
    db.write(lambda conn: access.revoke(conn, name="ada", actor=BY, now=db.now))
    seen.append(db.read(access.version))
    assert len(set(seen)) == 3


def test_the_list_holds_no_hash(db: Database) -> None:
    """What is shown of a token cannot be used to check or make one."""
    make(db, "ada")
    [row] = db.read(access.list_tokens)
    assert "hash" not in row._fields
    assert (row.name, row.role) == ("ada", "client")


def test_a_budget_is_for_whoever_submits(db: Database) -> None:
    """A client's token carries its budget; one of a role that submits nothing is refused and not made."""

    def make(role: Role) -> None:
        db.write(
            lambda conn: access.create(
                conn,
                name=f"a-{role}",
                role=role,
                token=access.new_token(role),
                expires_at=None,
                actor="system:operator",
                now=db.now,
                max_cost_micros=5,
            )
        )

    make(Role.CLIENT)
    make(Role.ADMIN)
    for role in (Role.WORKER, Role.APPROVER, Role.AUDITOR):
        with pytest.raises(InvalidRequest, match="needs no budget"):
            make(role)
    known = db.read(lambda conn: access.load(conn, now=db.now))
    budgets = {one.principal.name: one.principal.max_cost_micros for one in known}
    assert budgets == {"a-client": 5, "a-admin": 5}
