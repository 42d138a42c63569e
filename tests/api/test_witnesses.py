"""What the service does for witnesses: the newest checkpoint with a sync, alarms on the record."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support import cast
from tests.support.asking import submit
from tests.support.machine import Machine
from tests.support.service import Caller, RunningService

ALARM = {
    "type": "alarm",
    "fault": "shrank",
    "reason": "The record shrank from 9 events to 4",
    "remembered": "origin\n9\nAAAA\n\n\u2014 origin BBBB\n",
    "shown": "origin\n4\nAAAA\n\n\u2014 origin BBBB\n",
}


@pytest.mark.parametrize("known", [0, 10**6])
def test_a_sync_brings_another_checkpoint(service: RunningService, wim: Machine, known: int) -> None:
    """Whoever names another size than the newest one, smaller or larger, gets the newest signed note."""
    assert wim.sync(checkpoint=known)["checkpoint"] == service.inside.checkpoint().note


def test_a_sync_does_not_repeat_what_is_known(service: RunningService, wim: Machine) -> None:
    """Without a size, and with that of the newest checkpoint, the answer is as short as ever."""
    assert "checkpoint" not in wim.sync()
    service.pass_time(2000)
    size = service.inside.checkpoint().size
    assert "checkpoint" not in wim.sync(checkpoint=size)


def test_a_checkpoint_is_the_one_at_the_time_of_the_answer(
    service: RunningService, ada: Caller, wim: Machine
) -> None:
    """A sync that was parked while the record grew brings the checkpoint of the grown record."""
    service.pass_time(2000)
    size = service.inside.checkpoint().size
    parked = service.parked(lambda: wim.sync(free=1, wait=25_000, checkpoint=size), workers=1)
    service.pass_time(2000)
    newest = service.inside.checkpoint()
    assert newest.size > size
    submit(ada)
    assert parked.result(5)["checkpoint"] == newest.note


@pytest.mark.parametrize("wrong", [-1, "x", 2**53, {"size": 1}])
def test_a_size_is_a_number_of_events(wim: Machine, wrong: object) -> None:
    """Anything else is refused with a sentence."""
    assert wim.ask(checkpoint=wrong).status_code == 400


def test_an_alarm_is_on_the_record(service: RunningService, wim: Machine) -> None:
    """A worker's alarm stands there under its name, with both checkpoints in full."""
    (answer,) = wim.report(ALARM)
    assert answer == {"ok": True}
    (event,) = service.as_(cast.ODO).get("/events?type=witness.alarmed").get_json()["events"]
    assert event["actor"] == "worker:wim"
    assert event["details"] == {name: value for name, value in ALARM.items() if name != "type"}


@pytest.mark.parametrize(
    "wrong",
    [{"fault": "mood"}, {"shown": None}, {"reason": "x" * 2001}, {"shown": "x" * 4001}, {"more": 1}],
)
def test_an_alarm_has_its_form(service: RunningService, wim: Machine, wrong: dict[str, Any]) -> None:
    """Other faults, missing checkpoints and endless texts are refused, and nothing is recorded."""
    assert wim.tell({**ALARM, **wrong}).status_code == 400
    assert service.count_events("witness.alarmed") == 0


def test_the_longest_alarm_fits_into_the_record(service: RunningService, wim: Machine) -> None:
    """An alarm with the longest texts, in letters of four bytes, is taken."""
    texts = {"reason": "\U0001f41d" * 2000, "shown": "\U0001f41d" * 4000, "remembered": "\U0001f41d" * 4000}
    (answer,) = wim.report({**ALARM, **texts})
    assert answer == {"ok": True}, json.dumps(answer)
    assert service.count_events("witness.alarmed") == 1
