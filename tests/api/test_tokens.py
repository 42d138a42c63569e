"""How a token is shown, and what becomes of open polls when it is revoked or runs out."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.roles import Role
from app.services import access
from tests.support import cast
from tests.support.asking import submit
from tests.support.machine import Machine
from tests.support.service import Caller, RunningService

FORMS = ["Bearer {}", "bearer {}", "BEARER {}", "Bearer   {}", "{}", " Bearer {} "]
WRONG = [
    "",
    "Bearer",
    "Bearer ",
    "Basic {}",
    "Token {}",
    "Bearer x{}",
    "Bearer {}x",
    "{} {}",
    "Bearer {} {}",
    "\xff",
]


@pytest.mark.parametrize("form", FORMS)
def test_a_token_is_taken_in_every_form_that_old_programs_send(house: RunningService, form: str) -> None:
    """With the scheme in any case, or bare."""
    headers = {"Authorization": form.format(cast.ADA.token)}
    assert house.as_(cast.NOBODY).get("/tasks", headers=headers).status_code == 200


@pytest.mark.parametrize("form", WRONG, ids=repr)
def test_anything_else_is_401_in_the_old_word(house: RunningService, form: str) -> None:
    """Without a valid token the answer is 401 with exactly the old error, and how to come in."""
    headers = {"Authorization": form.replace("{}", cast.ADA.token or "")}
    response = house.as_(cast.NOBODY).get("/tasks", headers=headers)
    assert response.status_code == 401
    assert response.get_json() == {"error": "Unauthorized", "code": "unauthorized"}
    assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("person", cast.STRANGERS, ids=lambda person: person.name)
def test_revoked_and_expired_tokens_are_unknown(house: RunningService, person: cast.Person) -> None:
    """Whoever has no valid token learns nothing about why."""
    response = house.as_(person).get("/tasks")
    assert response.get_json() == {"error": "Unauthorized", "code": "unauthorized"}


def test_a_token_runs_out_by_the_clock(service: RunningService) -> None:
    """A token is refused from the very instant of its end."""
    token = _new(service, "guest", Role.CLIENT, expires_in=1000)
    guest = service.as_(cast.Person("guest", token))
    service.clock.move(999)
    assert guest.get("/tasks").status_code == 200
    service.clock.move(1)
    assert guest.get("/tasks").status_code == 401


def test_a_new_token_is_known_after_the_janitors_round(service: RunningService) -> None:
    """A token made by another process is taken within a second."""
    token = access.new_token(Role.CLIENT)
    _create(service, "guest", Role.CLIENT, token, None)
    service.tidy()
    assert service.as_(cast.Person("guest", token)).get("/tasks").status_code == 200


@pytest.mark.parametrize("how", ["revoked", "run out"])
def test_open_polls_end_with_their_token(service: RunningService, ada: Caller, how: str) -> None:
    """Who is parked with a token that is revoked, or runs out, is answered by the next round."""
    task_id = submit(ada, labels=["none=here"])
    lent = _new(service, "lent", Role.WORKER, expires_in=5000)
    read = _new(service, "read", Role.CLIENT, expires_in=5000)
    machine = Machine(service.as_(cast.Person("lent", lent)))
    reader = service.as_(cast.Person("read", read))
    polls: list[Any] = [
        service.parked(lambda: machine.ask(free=1, wait=25_000), workers=1),
        service.parked(lambda: reader.get(f"/tasks/{task_id}?wait=60000"), results=1),
        service.parked(lambda: reader.get(f"/tasks/{task_id}/output?wait=60000"), results=1),
    ]
    if how == "revoked":
        for name in ("lent", "read"):
            service.write(lambda conn, n=name: access.revoke(conn, name=n, actor="x", now=service.clock()))  # type: ignore[misc]
    else:
        service.clock.move(5000)
    service.tidy()
    for poll in polls:
        poll.result(5)
    assert service.inside.room.parked() == (0, 0)
    assert machine.ask().status_code == 401


def test_a_revoked_worker_gets_no_task_while_it_is_parked(service: RunningService, ada: Caller) -> None:
    """Between the revocation and the round, a task that wakes the poll is not handed to it."""
    lent = _new(service, "lent", Role.WORKER, expires_in=5000)
    machine = Machine(service.as_(cast.Person("lent", lent)))
    parked = service.parked(lambda: machine.ask(free=1, wait=25_000), workers=1)
    service.clock.move(5000)
    task_id = submit(ada)
    parked.result(5)
    assert service.state_of(task_id) == "pending"


def test_the_janitor_itself_ends_them_within_a_second(service: RunningService, ada: Caller) -> None:
    """Nobody needs to call the round: the janitor's own thread does."""
    lent = _new(service, "lent", Role.WORKER, expires_in=None)
    machine = Machine(service.as_(cast.Person("lent", lent)))
    parked = service.parked(lambda: machine.ask(free=1, wait=25_000), workers=1)
    service.write(lambda conn: access.revoke(conn, name="lent", actor="x", now=service.clock()))
    parked.result(3)


def test_a_new_token_of_the_same_name_does_not_revive_the_old_ones_poll(service: RunningService) -> None:
    """A poll belongs to the token that it came with, not to the name."""
    lent = _new(service, "lent", Role.WORKER, expires_in=None)
    machine = Machine(service.as_(cast.Person("lent", lent)))
    parked = service.parked(lambda: machine.ask(free=1, wait=25_000), workers=1)

    def exchange(conn: Any) -> None:  # noqa: ANN401 - a connection
        access.revoke(conn, name="lent", actor="x", now=service.clock())
        token = access.new_token(Role.WORKER)
        access.create(
            conn, name="lent", role=Role.WORKER, token=token, expires_at=None, actor="x", now=service.clock()
        )

    service.write(exchange)
    service.tidy()
    parked.result(5)


def _new(service: RunningService, name: str, role: Role, *, expires_in: int | None) -> str:
    token = access.new_token(role)
    _create(service, name, role, token, None if expires_in is None else service.clock() + expires_in)
    service.inside.tokens.refresh()
    return token


def _create(service: RunningService, name: str, role: Role, token: str, expires_at: int | None) -> None:
    service.write(
        lambda conn: access.create(
            conn, name=name, role=role, token=token, expires_at=expires_at, actor="x", now=service.clock()
        )
    )
