"""Whatever the clock does, and however often the server is restarted: no instant is fired twice."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from app.services import schedules
from tests.support import acts
from tests.support.database import Database
from tests.support.planning import NAME, Planning

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("clock"), st.integers(-7_200_000, 10_800_000)),
        st.tuples(
            st.sampled_from(["again", "crash", "restart", "run", "pause", "resume", "work"]), st.just(0)
        ),
        st.tuples(st.just("change"), st.sampled_from([7, 20, 30])),
    ),
    max_size=25,
)


def _step(plan: Planning, word: str, number: int, found: list[tuple[str, int]]) -> None:
    if word == "clock":
        plan.db.pass_time(number)
    elif word == "again":  # somebody who looked before everything else, and comes late
        plan.fire(*found)
    elif word == "crash":
        plan.crash()
    elif word == "restart":
        plan.db.reopen()
    elif word == "change":
        plan.do(schedules.change, NAME, {"cron": f"*/{number} * * * *"})
    elif word == "run":
        plan.run()
    elif word == "work":
        for claim in acts.claim(plan.db, free=5):
            acts.start(plan.db, claim)
            acts.result(plan.db, claim)
    else:
        plan.do(schedules.pause if word == "pause" else schedules.resume, NAME)


@settings(max_examples=30)
@given(steps=STEPS, misfire=st.sampled_from(["skip", "once"]), overlap=st.sampled_from(["skip", "queue"]))
def test_no_instant_is_fired_twice(steps: list[tuple[str, int]], misfire: str, overlap: str) -> None:
    """Each instant stands on the record once, in growing order; each task is some firing's; all fits."""
    with tempfile.TemporaryDirectory() as folder:
        plan = Planning(Database(Path(folder)))
        try:
            plan.hire()
            plan.add("*/20 * * * *", misfire=misfire, overlap=overlap)
            found: list[tuple[str, int]] = []
            for word, number in steps:
                _step(plan, word, number, found)
                found += plan.due()
                plan.settle()
            instants = [instant for instant in plan.fired() if instant is not None]
            assert instants == sorted(set(instants))
            told = [row.type for row in plan.db.events()]
            assert told.count("task.submitted") == told.count("schedule.fired")
            assert plan.db.faults() == []
        finally:
            plan.db.let_go()
