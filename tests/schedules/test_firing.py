"""Firing: one ordinary task for each instant, or the reason why there is none, and never two."""

from __future__ import annotations

import json

import pytest

from app.domain.errors import BudgetSpent, InvalidRequest, QueueFull, ScheduleBusy
from app.domain.timing import GRACE_MS
from app.services import firing, schedules
from app.services.submitting import Once
from app.storage.tables import schedules as table
from app.storage.tables import tasks
from tests.support import acts
from tests.support.database import BEGINNING, Database
from tests.support.planning import HOUR_MS, MINUTE_MS, NAME, Planning

ONE = BEGINNING + HOUR_MS
TWO, THREE, FOUR = (BEGINNING + hours * HOUR_MS for hours in (2, 3, 4))


def run_all(db: Database) -> None:
    """Let Wim run what waits."""
    for claim in acts.claim(db, free=10):
        acts.start(db, claim)
        acts.result(db, claim)


def to(plan: Planning, instant: int) -> None:
    """Let the clock show *instant*, and the janitor fire what is due."""
    plan.db.now = instant
    plan.settle()


def test_an_instant_makes_an_ordinary_task(plan: Planning) -> None:
    """It is the schedule's, on behalf of who made it, and its story begins with the firing."""
    plan.add(
        priority=3, labels='["gpu=1"]', tags='["nightly"]', ttl_ms=5000, timeout_ms=60_000, max_attempts=2
    )
    to(plan, ONE - 1)
    assert plan.fired() == []
    to(plan, ONE + 400)
    task = plan.db.task(plan.row().last_task_id)
    assert (task.submitted_by, task.on_behalf_of, task.kind) == ("schedule:report", "client:ada", "command")
    assert (task.priority, task.labels, task.tags) == (3, '["gpu=1"]', '["nightly"]')
    assert (task.timeout_ms, task.max_attempts, task.expires_at) == (60_000, 2, ONE + 5400)
    assert plan.db.told(task.id) == ["task.submitted", "schedule.fired"]
    assert plan.told("schedule.fired") == [{"instant": ONE, "next_at": TWO}]
    assert (plan.row().last_at, plan.row().next_at) == (ONE, TWO)
    assert plan.db.faults() == []


def test_an_instant_is_fired_once(plan: Planning) -> None:
    """Whoever found it due too late, after a crash or beside another, changes nothing."""
    plan.add()
    plan.db.now = ONE
    found = plan.due()
    plan.fire(*found)
    plan.fire(*found)
    plan.db.reopen()
    plan.fire(*found)
    plan.settle()
    assert plan.fired() == [ONE]


def test_a_clock_set_back_fires_nothing_again(plan: Planning) -> None:
    """Instants that were fired are behind, whatever the clock says, through pause and resumption too."""
    plan.add()
    to(plan, ONE)
    run_all(plan.db)
    to(plan, BEGINNING + 10)
    plan.do(schedules.pause, NAME)
    plan.do(schedules.resume, NAME)
    plan.do(schedules.change, NAME, {"cron": "0 */1 * * *"})
    to(plan, ONE + 10)
    assert plan.fired() == [ONE]
    to(plan, TWO)
    assert plan.fired() == [ONE, TWO]


def test_a_crash_before_the_commit_leaves_the_instant_due(plan: Planning) -> None:
    """Task, event and next instant are one transaction: without its commit all of it is still to be done."""
    plan.add()
    plan.db.now = ONE
    plan.crash()
    assert plan.due() == [(NAME, ONE)]
    plan.settle()
    assert plan.fired() == [ONE]
    assert plan.db.faults() == []


def test_a_short_delay_is_no_misfire(plan: Planning) -> None:
    """Up to a minute late a task is submitted all the same, for the instant that was meant."""
    plan.add()
    to(plan, ONE + GRACE_MS)
    assert (plan.fired(), plan.skipped()) == ([ONE], [])


def test_instants_missed_are_skipped(plan: Planning) -> None:
    """After downtime the next instant is the next that comes, and one line tells what was left out."""
    plan.add()
    to(plan, THREE + GRACE_MS + 1)
    assert (plan.fired(), plan.skipped()) == ([], [(ONE, FOUR, "misfire")])
    to(plan, FOUR)
    assert plan.fired() == [FOUR]


def test_the_newest_instant_within_a_minute_is_not_missed(plan: Planning) -> None:
    """Those before it are skipped, and it is fired."""
    plan.add()
    to(plan, THREE + 1000)
    assert (plan.fired(), plan.skipped()) == ([THREE], [(ONE, THREE, "misfire")])


def test_instants_missed_are_made_up_for_once(plan: Planning) -> None:
    """With the policy once there is one task for all of them, and a line for those beyond it."""
    plan.add(misfire="once")
    to(plan, THREE + 10 * MINUTE_MS)
    assert (plan.fired(), plan.skipped()) == ([ONE], [(TWO, FOUR, "misfire")])
    run_all(plan.db)
    to(plan, FOUR + 5 * MINUTE_MS)
    assert (plan.fired(), len(plan.skipped())) == ([ONE, FOUR], 1)


def test_an_instant_during_the_last_task_is_skipped(plan: Planning) -> None:
    """With the policy skip a task that waits or runs keeps others away."""
    plan.add()
    to(plan, ONE)
    to(plan, TWO)
    [claim] = acts.claim(plan.db)
    acts.start(plan.db, claim)
    to(plan, THREE)
    assert (plan.fired(), plan.skipped()) == ([ONE], [(TWO, THREE, "overlap"), (THREE, FOUR, "overlap")])
    acts.result(plan.db, claim)
    to(plan, FOUR)
    assert plan.fired() == [ONE, FOUR]


def test_an_instant_during_the_last_task_waits_for_its_end(plan: Planning) -> None:
    """With the policy queue one instant waits, however long; those beyond it are skipped."""
    plan.add(overlap="queue")
    to(plan, ONE)
    [claim] = acts.claim(plan.db)
    acts.start(plan.db, claim)
    to(plan, FOUR - 1)
    assert (plan.fired(), plan.skipped(), plan.row().next_at) == ([ONE], [], TWO)
    acts.result(plan.db, claim)
    plan.settle()
    assert (plan.fired(), plan.skipped()) == ([ONE, TWO], [(THREE, FOUR, "overlap")])


def test_a_run_in_between_makes_a_queued_instant_wait(plan: Planning) -> None:
    """What was found due, and is overtaken by a run that somebody asked for, waits for that."""
    plan.add(overlap="queue")
    plan.db.now = ONE
    found = plan.due()
    plan.do(firing.run_now, NAME, plan.house)
    plan.fire(*found)
    assert (plan.fired(), plan.row().next_at) == ([None], ONE)


def test_downtime_counts_from_the_end_of_the_last_task(plan: Planning) -> None:
    """A queued instant is missed when nobody could fire it for a minute after that end."""
    plan.add(overlap="queue")
    to(plan, ONE)
    [claim] = acts.claim(plan.db)
    acts.start(plan.db, claim)
    plan.db.now = TWO + 1000
    acts.result(plan.db, claim)
    to(plan, THREE + 5 * MINUTE_MS)
    assert (plan.fired(), plan.skipped()) == ([ONE], [(TWO, FOUR, "misfire")])


def test_a_full_queue_takes_no_more(plan: Planning) -> None:
    """The instant is skipped and the record says why."""
    plan.add()
    plan.room = 0
    to(plan, ONE)
    assert (plan.fired(), plan.skipped()) == ([], [(ONE, TWO, "queue_full")])
    with pytest.raises(QueueFull):
        plan.do(firing.run_now, NAME, plan.house)


def prompt(**said: object) -> str:
    """Return the content of a prompt."""
    return json.dumps({"prompt": "hi", **said}, separators=(",", ":"))


def test_each_prompt_begins_a_session(plan: Planning) -> None:
    """Without a session of its own a schedule has a new one for each task; with one it goes on with that."""
    plan.add(kind="claude-cli", payload=prompt())
    plan.add(kind="codex-cli", payload=prompt(sessionId="s"), session_key="codex-cli:s", name="go-on")
    for instant in (ONE, TWO):
        to(plan, instant)
        run_all(plan.db)
    rows = plan.db.read(lambda conn: conn.execute(tasks.select()).all())
    keys = [row.session_key for row in rows if row.kind == "claude-cli"]
    told = [json.loads(row.payload) for row in rows if row.kind == "claude-cli"]
    assert len(set(keys)) == 2
    assert keys == [f"claude-cli:{one['sessionId']}" for one in told]
    assert [one["isNew"] for one in told] == [True, True]
    assert {row.session_key for row in rows if row.kind == "codex-cli"} == {"codex-cli:s"}


def test_who_made_it_pays(plan: Planning) -> None:
    """Promised money counts against the maker's budget; when that is spent, instants are skipped."""
    plan.hire("five", budget=5_000_000)
    for name, usd in (("first", 3), ("second", 3)):
        plan.add(name=name, kind="claude-cli", payload=prompt(maxCostUsd=usd), actor="client:five")
    to(plan, ONE)
    assert (plan.fired(), plan.skipped()) == ([ONE], [(ONE, TWO, "budget")])
    with pytest.raises(BudgetSpent):
        plan.do(firing.run_now, "second", plan.house, actor="client:five")
    plan.limit = 1_000_000
    plan.add("30 * * * *", name="other", kind="claude-cli", payload=prompt(maxCostUsd=2))
    to(plan, ONE + 30 * MINUTE_MS)
    assert plan.skipped()[1:] == [(ONE + 30 * MINUTE_MS, TWO + 30 * MINUTE_MS, "budget")]


def test_a_maker_without_a_token_pauses_it(plan: Planning) -> None:
    """At its next instant a schedule of somebody who may submit no more is paused, without a task."""
    plan.add()
    plan.hire("eli", expires_at=ONE)
    plan.add(name="ending", actor="client:eli")
    plan.add(name="never", actor="admin:ada")
    plan.revoke()
    to(plan, ONE)
    assert [plan.row(name).state for name in (NAME, "ending", "never")] == ["paused"] * 3
    assert plan.told("schedule.paused") == [{"why": "token"}] * 3
    assert plan.fired() == []
    with pytest.raises(InvalidRequest, match="no valid token"):
        plan.do(firing.run_now, NAME, plan.house)


def test_a_new_token_of_the_name_goes_on(plan: Planning) -> None:
    """A token that is replaced between two instants stops nothing."""
    plan.add()
    plan.revoke()
    plan.hire()
    to(plan, ONE)
    assert plan.fired() == [ONE]


def test_a_zone_that_is_gone_pauses_it(plan: Planning) -> None:
    """A timetable that cannot be read any more stops its own schedule and no other."""
    plan.add()
    plan.add(name="sound")
    plan.db.write(
        lambda conn: conn.execute(table.update().where(table.c.name == NAME).values(tz="Gone/City"))
    )
    to(plan, ONE)
    assert plan.told("schedule.paused") == [{"why": "timetable"}]
    assert (plan.row().paused_why, plan.fired()) == ("timetable", [ONE])


def test_run_now_is_one_more_task(plan: Planning) -> None:
    """It moves no instant, is told of with who wanted it, and counts as the last task."""
    plan.add()
    plan.do(schedules.pause, NAME)
    task_id = plan.do(firing.run_now, NAME, plan.house)
    assert (plan.row().last_task_id, plan.row().last_at, plan.row().state) == (task_id, None, "paused")
    assert plan.db.task(task_id).submitted_by == "schedule:report"
    [fired] = [row for row in plan.db.events(task_id) if row.type == "schedule.fired"]
    assert (fired.actor, json.loads(fired.detail)) == ("client:ada", {"name": NAME})
    with pytest.raises(ScheduleBusy, match=task_id):
        plan.do(firing.run_now, NAME, plan.house)
    run_all(plan.db)
    assert plan.do(firing.run_now, NAME, plan.house) != task_id
    assert plan.db.faults() == []


def test_run_now_again_with_its_key_is_the_same(plan: Planning) -> None:
    """A repeated request gets the first one's task, though that is not finished."""
    plan.add()
    once = Once("key", b"request")
    first = plan.do(firing.run_now, NAME, plan.house, once=once)
    assert plan.do(firing.run_now, NAME, plan.house, once=once) == first
    assert plan.fired() == [None]
