"""What can be done with a schedule: each change is on the record, and the check of the record follows it."""

from __future__ import annotations

import pytest

from app.auditing import remembering, verifying
from app.domain.errors import Forbidden, InvalidRequest, ScheduleExists, ScheduleNotFound
from app.domain.schedules import MOST_SCHEDULES
from app.services import schedules
from app.storage.tables import schedules as table
from tests.support.acts import BEN
from tests.support.database import BEGINNING
from tests.support.planning import HOUR_MS, NAME, Planning

MAX = "admin:max"
ONE = BEGINNING + HOUR_MS


def told(plan: Planning) -> list[tuple[str, str]]:
    """Return types and actors of all events of schedules."""
    rows = [row for row in plan.db.events() if row.type.startswith("schedule.")]
    return [(row.type.removeprefix("schedule."), row.actor) for row in rows]


def test_each_change_is_told_once(plan: Planning) -> None:
    """What changes nothing is not on the record; the rest stands there with who did it."""
    plan.add()
    plan.add()
    plan.do(schedules.change, NAME, {"misfire": "skip"})
    plan.do(schedules.change, NAME, {"misfire": "once"}, actor=MAX)
    plan.do(schedules.resume, NAME)
    for _ in range(2):
        plan.do(schedules.pause, NAME)
    for _ in range(2):
        plan.do(schedules.resume, NAME)
    plan.do(schedules.remove, NAME)
    by_ada = [(word, "client:ada") for word in ("added", "changed", "paused", "resumed", "removed")]
    by_ada[1] = ("changed", MAX)
    assert told(plan) == by_ada
    assert plan.db.faults() == []


def test_content_is_on_the_record_as_a_digest(plan: Planning) -> None:
    """The event tells everything of a schedule but what it runs; a removed one keeps nothing of that."""
    plan.add(payload='{"command":"echo hush"}', tags='["t"]')
    [added] = plan.told("schedule.added")
    assert "hush" not in str(added)
    assert added["next_at"] == ONE
    assert (added["cron"], added["tz"], added["kind"], added["tags"]) == (
        "0 * * * *",
        "UTC",
        "command",
        '["t"]',
    )
    plan.do(schedules.remove, NAME)
    assert (plan.row().state, plan.row().payload, plan.row().payload_salt) == ("removed", None, None)


def test_another_timetable_goes_on_from_now(plan: Planning) -> None:
    """The next instant follows a changed expression or zone, but not another policy or task."""
    plan.add()
    plan.db.pass_time(1000)
    plan.do(schedules.change, NAME, {"payload": '{"command":"date"}', "overlap": "queue"})
    assert plan.row().next_at == ONE
    plan.do(schedules.change, NAME, {"cron": "30 * * * *"})
    assert plan.row().next_at == BEGINNING + HOUR_MS // 2
    plan.do(schedules.pause, NAME)
    plan.do(schedules.change, NAME, {"cron": "15 * * * *"})
    assert plan.row().next_at is None
    plan.do(schedules.resume, NAME)
    assert plan.row().next_at == BEGINNING + HOUR_MS // 4
    assert plan.db.faults() == []


def test_what_cannot_be_changes_nothing(plan: Planning) -> None:
    """A bad expression or zone is refused, when adding and when changing, with nothing on the record."""
    plan.add()
    for change in ({"cron": "x"}, {"tz": "Nowhere"}):
        with pytest.raises(InvalidRequest):
            plan.do(schedules.change, NAME, change)
        with pytest.raises(InvalidRequest):
            plan.add(**{"cron": "0 * * * *", "name": "other", **change})
    assert told(plan) == [("added", "client:ada")]


def test_a_name_is_one_schedules(plan: Planning) -> None:
    """Another schedule cannot have it, by whomever."""
    plan.add()
    for actor, cron in (("client:ada", "1 * * * *"), (BEN, "0 * * * *")):
        with pytest.raises(ScheduleExists):
            plan.add(cron, actor=actor)


def test_a_name_stays_with_who_had_it(plan: Planning) -> None:
    """After a removal its maker can use it again, and an admin, and nobody else."""
    plan.add()
    plan.do(schedules.remove, NAME)
    with pytest.raises(Forbidden, match="client:ada"):
        plan.add(actor=BEN)
    plan.add("5 * * * *")
    plan.do(schedules.remove, NAME)
    plan.add(actor=MAX)
    assert plan.row().created_by == MAX
    assert plan.db.faults() == []


def test_others_change_nothing(plan: Planning) -> None:
    """Who did not make a schedule and is no admin is refused by each act."""
    plan.add()
    for act, *more in (
        (schedules.change, {"cron": "1 * * * *"}),
        (schedules.pause,),
        (schedules.resume,),
        (schedules.remove,),
    ):
        with pytest.raises(Forbidden):
            plan.do(act, NAME, *more, actor=BEN)
    assert told(plan) == [("added", "client:ada")]


def test_what_is_not_there_is_not_found(plan: Planning) -> None:
    """A removed schedule is as one that never was."""
    plan.add()
    plan.do(schedules.remove, NAME)
    for name in (NAME, "never"):
        for act in (schedules.pause, schedules.resume, schedules.remove):
            with pytest.raises(ScheduleNotFound):
                plan.do(act, name)
    assert plan.db.read(schedules.list_schedules) == []


def test_there_is_an_end_to_schedules(plan: Planning) -> None:
    """Beyond the most that may stand, one more is refused; a removed one makes room."""
    plan.add()
    row = dict(plan.row()._mapping)  # noqa: SLF001 - SQLAlchemy's own name for it
    rows = [{**row, "name": f"n{number}"} for number in range(MOST_SCHEDULES - 1)]
    plan.db.write(lambda conn: conn.execute(table.insert(), rows))
    with pytest.raises(InvalidRequest, match="1000 schedules already"):
        plan.add(name="one-more")
    plan.do(schedules.remove, NAME)
    plan.add(name="one-more")


@pytest.mark.parametrize(
    "values",
    [
        {"next_at": ONE + 1},
        {"payload": '{"command":"other"}'},
        {"cron": "1 * * * *"},
        {"created_by": BEN},
        {"overlap": "queue"},
        {"last_task_id": "none"},
    ],
    ids=str,
)
def test_an_altered_schedule_is_found(plan: Planning, values: dict[str, object]) -> None:
    """What somebody changes behind the service's back is no longer what the record says."""
    plan.add()
    plan.db.write(lambda conn: conn.execute(table.update().values(values)))
    assert "schedule 'report'" in plan.db.faults()[0].what


def test_a_strange_or_missing_schedule_is_found(plan: Planning) -> None:
    """A row that nothing tells of is a fault, and so is one that is gone, even a removed one."""
    plan.add()
    plan.add(name="other")
    plan.do(schedules.remove, "other")
    plan.db.write(lambda conn: conn.execute(table.update().where(table.c.name == "other").values(name="odd")))
    assert [fault.what for fault in plan.db.faults()] == [
        "schedule 'odd' is one that the record does not know",
        "schedule 'other' is not in its table, but on the record",
    ]


def test_a_check_goes_on_from_an_earlier_one(plan: Planning) -> None:
    """What the last check saw of schedules is remembered; a change since then is followed from there."""
    plan.add()
    plan.add(name="other")
    seen = plan.db.read(lambda conn: verifying.verify(conn, verifiers=[], now=plan.db.now)).seen
    assert seen is not None
    path = plan.db.path.with_suffix(".verified")
    remembering.save(path, seen)
    plan.db.now = ONE
    plan.settle()
    plan.do(schedules.remove, "other")

    def again() -> list[str]:
        since = remembering.load(path)
        report = plan.db.read(lambda conn: verifying.verify(conn, verifiers=[], now=plan.db.now, since=since))
        return [fault.what for fault in report.faults]

    assert again() == []
    plan.db.write(lambda conn: conn.execute(table.update().values(created_by=BEN)))
    assert again() == ["schedule 'other': created_by is 'client:ben', the record says 'client:ada'"]
