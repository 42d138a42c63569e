"""What a token may spend on agents in 24 hours: charged on the record, refused when it is spent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.domain.roles import Role
from app.domain.timing import BUDGET_MS
from app.services import access, redacting
from tests.support import cast
from tests.support.cast import Person
from tests.support.machine import Machine, result
from tests.support.service import NOON, Caller, RunningService, running_service

FIVE = Person("five", access.new_token(Role.CLIENT), frozenset({Role.CLIENT}))
"""Somebody who may spend five dollars."""


@pytest.fixture
def five(service: RunningService) -> Caller:
    """Somebody who may spend five dollars in 24 hours."""
    give_token(service)
    return service.as_(FIVE)


@pytest.fixture
def wim(service: RunningService) -> Machine:
    """Wim's machine, which runs Claude."""
    return Machine(service.as_(cast.WIM), kinds=("claude-cli",))


def give_token(service: RunningService) -> None:
    """Make the token with a budget."""
    assert FIVE.token is not None
    token = FIVE.token
    service.write(
        lambda conn: access.create(
            conn,
            name=FIVE.name,
            role=Role.CLIENT,
            token=token,
            expires_at=None,
            actor="system:operator",
            now=NOON,
            max_cost_micros=5_000_000,
        )
    )
    service.inside.tokens.refresh()


def ask(caller: Caller, **said: object) -> Any:  # noqa: ANN401 - a response
    """Hand a prompt over."""
    return caller.post("/claude", {"prompt": "x", **said})


def spend(caller: Caller, wim: Machine, usd: object, exit_code: int = 0) -> str:
    """Let a prompt run that costs *usd*; return its task."""
    response = ask(caller)
    assert response.status_code == 200, response.text
    claimed = wim.start()
    (answer,) = wim.report(result(claimed, exit_code, metadata={"costUsd": usd}))
    assert answer["ok"]
    return str(claimed["taskId"])


def test_what_is_spent_is_refused_until_it_frees(service: RunningService, five: Caller, wim: Machine) -> None:
    """At five dollars the next prompt is refused, with all that one needs to go on; a day after, taken."""
    spend(five, wim, 2)
    service.clock.move(1000)
    spend(five, wim, 3.0, exit_code=1)
    before = service.count_events()
    refused = ask(five)
    assert (refused.status_code, refused.get_json()) == (
        402,
        {
            "error": "This token may spend $5.00 on agents in 24 hours; $5.00 are spent. "
            "Enough is free again at 2027-01-16 08:00:00 UTC.",
            "code": "budget_spent",
            "limitUsd": 5.0,
            "spentUsd": 5.0,
            "promisedUsd": 0.0,
            "freesAt": NOON + BUDGET_MS,
        },
    )
    assert service.count_events() == before
    service.clock.move(BUDGET_MS - 1001)
    assert ask(five).status_code == 402
    service.clock.move(1)
    assert ask(five).status_code == 200


def test_a_charge_is_on_the_record_in_whole_numbers(
    service: RunningService, five: Caller, wim: Machine
) -> None:
    """A run's cost is an event of its task by its worker; what is no amount of money is none."""
    task_id = spend(five, wim, 0.1234567)
    for nonsense in (0, -1, True, "2", None, [1]):
        spend(five, wim, nonsense)
    assert service.count_events("budget.charged") == 1
    event = five.get(f"/tasks/{task_id}/events").get_json()["events"][-1]
    assert (event["type"], event["actor"], event["detail"]) == (
        "budget.charged",
        "worker:wim",
        {"cost_micros": 123457},
    )


def test_unfinished_tasks_count_with_what_they_may_cost(five: Caller, wim: Machine) -> None:
    """Two dollars that were promised cannot be spent elsewhere; when the task ends, its real cost counts."""
    assert ask(five, maxCostUsd=3).status_code == 200
    refused = ask(five, maxCostUsd=2.5)
    assert (refused.status_code, refused.get_json()["promisedUsd"], refused.get_json()["freesAt"]) == (
        402,
        3.0,
        None,
    )
    assert "promised to tasks that are not finished" in refused.get_json()["error"]
    assert ask(five, maxCostUsd=2).status_code == 200
    assert ask(five).status_code == 402
    wim.report(result(wim.start(), metadata={"costUsd": 0.5}))
    assert ask(five, maxCostUsd=2.5).status_code == 200
    assert ask(five, maxCostUsd=0.1).status_code == 402


def test_a_task_dearer_than_the_budget_is_told_so(five: Caller) -> None:
    """Waiting would not help, so the sentence says what does."""
    refused = ask(five, maxCostUsd=6).get_json()
    assert (refused["code"], refused["freesAt"]) == ("budget_spent", None)
    assert "give a lower maxCostUsd" in refused["error"]


def test_a_task_that_never_ran_costs_nothing(five: Caller) -> None:
    """What is withdrawn gives back what was promised to it."""
    task_id = ask(five, maxCostUsd=5).get_json()["taskId"]
    assert ask(five).status_code == 402
    five.post(f"/tasks/{task_id}/cancel")
    assert ask(five).status_code == 200


def test_everybody_has_a_budget_of_their_own(five: Caller, ada: Caller, wim: Machine) -> None:
    """One's spending is not the other's; without a budget nothing is refused."""
    spend(five, wim, 9)
    spend(ada, wim, 9)
    assert (ask(five).status_code, ask(ada).status_code) == (402, 200)


def test_other_tasks_are_not_asked(five: Caller, wim: Machine) -> None:
    """A command runs without money."""
    spend(five, wim, 9)
    assert five.post("/tasks", {"command": "true"}).status_code == 200


def test_a_rerun_costs_too(five: Caller, wim: Machine) -> None:
    """No way around: the same prompt again is refused as well."""
    task_id = spend(five, wim, 9)
    response = five.post(f"/tasks/{task_id}/rerun")
    assert (response.status_code, response.get_json()["code"]) == (402, "budget_spent")


def test_a_request_sent_again_is_not_refused(five: Caller, wim: Machine) -> None:
    """Its first one was taken; the answer was lost, not the money spent twice."""
    headers = {"Idempotency-Key": "k"}
    first = five.post("/claude", {"prompt": "x"}, headers=headers).get_json()
    wim.report(result(wim.start(), metadata={"costUsd": 9}))
    assert five.post("/claude", {"prompt": "x"}, headers=headers).get_json() == first
    assert five.post("/claude", {"prompt": "y"}).status_code == 402


def test_a_late_outcome_is_charged(service: RunningService, five: Caller, wim: Machine) -> None:
    """A worker that was given up may have spent money all the same; told twice, it is charged once."""
    ask(five)
    claimed = wim.start()
    service.pass_time(61_000)
    for _ in range(2):
        (answer,) = wim.report(result(claimed, metadata={"costUsd": 7}))
        assert answer["code"] == "lease_lost"
    assert service.count_events("budget.charged") == 1
    assert ask(five).get_json()["spentUsd"] == 7.0


def test_redacting_gives_no_money_back(service: RunningService, five: Caller, wim: Machine) -> None:
    """What is taken out of a task is its content, not its charge."""
    task_id = spend(five, wim, 9)
    contents = list(redacting.Content)
    service.write(
        lambda conn: redacting.redact(conn, task_id, contents, reason="private", actor="a", now=NOON)
    )
    assert ask(five).status_code == 402


def test_the_servers_setting_holds_for_whoever_has_none(tmp_path: Path) -> None:
    """Also for the shared token; a budget of one's own wins, and spending outlasts a restart."""
    data = tmp_path / "data"
    with running_service(data, max_cost_usd=1.0) as service:
        give_token(service)
        wim = Machine(service.as_(cast.WIM), kinds=("claude-cli",))
        for person in (cast.ADA, cast.OLD, FIVE):
            spend(service.as_(person), wim, 1)
        clock = service.clock
    with running_service(data, max_cost_usd=1.0, clock=clock) as service:
        statuses = [ask(service.as_(person)).status_code for person in (cast.ADA, cast.OLD, FIVE)]
        assert statuses == [402, 402, 200]


def test_two_requests_never_spend_the_same_money(service: RunningService, five: Caller) -> None:
    """Of many at one time only as many are taken as can be paid."""
    futures = [service.meanwhile(lambda: ask(five, maxCostUsd=1).status_code) for _ in range(12)]
    assert sorted(future.result(30) for future in futures) == [200] * 5 + [402] * 7
