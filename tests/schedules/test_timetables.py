"""When a schedule is due: cron expressions in zones, on the days when the clocks change, too."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.domain.errors import InvalidRequest
from app.services import timetables

BERLIN = "Europe/Berlin"
FORWARD = "2027-03-28"
BACK = "2027-10-31"


def at(text: str) -> int:
    """Return the epoch milliseconds of ISO 8601."""
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def after(cron: str, start: str, *, tz: str = BERLIN, count: int = 3) -> list[str]:
    """Return the next times after *start*."""
    return timetables.upcoming(cron, tz, at(start), count=count)


@pytest.mark.parametrize(
    ("cron", "first"),
    [
        ("0 9 * * *", "2027-01-15T09:00:00+01:00"),
        ("0 9 * * MON-FRI", "2027-01-15T09:00:00+01:00"),
        ("30 8 1 * *", "2027-02-01T08:30:00+01:00"),
        ("0 0 L 2 *", "2027-02-28T00:00:00+01:00"),
        ("0 0 13 * FRI", "2027-01-22T00:00:00+01:00"),
        ("*/20 * * * * *", "2027-01-15T08:00:20+01:00"),
        ("@daily", "2027-01-16T00:00:00+01:00"),
        (" @Weekly ", "2027-01-17T00:00:00+01:00"),
    ],
)
def test_expressions_mean_what_the_guide_says(cron: str, first: str) -> None:
    """Fields, names, macros and seconds; of two days given either is enough."""
    assert after(cron, "2027-01-15T08:00:00+01:00", count=1) == [first]


def test_a_time_that_does_not_exist_comes_at_the_first_that_does() -> None:
    """When 02:30 is left out by the clocks, the task runs once, at 03:00, and the day after as always."""
    expected = [f"{FORWARD}T03:00:00+02:00", "2027-03-29T02:30:00+02:00"]
    assert after("30 2 * * *", f"{FORWARD}T00:00:00+01:00", count=2) == expected
    expected = [f"{FORWARD}T03:00:00+02:00", "2027-03-29T02:00:00+02:00"]
    assert after("0,30 2 * * *", f"{FORWARD}T00:00:00+01:00", count=2) == expected


def test_a_time_that_comes_twice_is_taken_once() -> None:
    """In the hour that comes twice a set time is taken in the first, wherever in that night one begins."""
    once, later = f"{BACK}T02:30:00+02:00", "2027-11-01T02:30:00+01:00"
    assert after("30 2 * * *", f"{BACK}T00:00:00+02:00", count=2) == [once, later]
    for start in (f"{BACK}T02:30:00+02:00", f"{BACK}T02:15:00+01:00", f"{BACK}T02:45:00+01:00"):
        assert after("30 2 * * *", start, count=1) == [later]


def test_steps_go_by_real_time() -> None:
    """An expression with stars for minutes or hours knows no gap and no repetition but the clock's own."""
    assert after("*/30 * * * *", f"{FORWARD}T01:00:00+01:00") == [
        f"{FORWARD}T01:30:00+01:00",
        f"{FORWARD}T03:00:00+02:00",
        f"{FORWARD}T03:30:00+02:00",
    ]
    assert after("*/30 * * * *", f"{BACK}T02:00:00+02:00", count=4) == [
        f"{BACK}T02:30:00+02:00",
        f"{BACK}T02:00:00+01:00",
        f"{BACK}T02:30:00+01:00",
        f"{BACK}T03:00:00+01:00",
    ]


def test_seconds_go_by_real_time() -> None:
    """With a field for seconds a set time comes twice in that hour, and not at all where it is missing."""
    assert after("0 30 2 * * *", f"{FORWARD}T00:00:00+01:00", count=1) == ["2027-03-29T02:30:00+02:00"]
    both = [f"{BACK}T02:30:00+02:00", f"{BACK}T02:30:00+01:00"]
    assert after("0 30 2 * * *", f"{BACK}T00:00:00+02:00", count=2) == both


def test_utc_knows_none_of_this() -> None:
    """In UTC every day has every time once."""
    found = after("30 2 * * *", f"{FORWARD}T00:00:00+00:00", tz="UTC", count=2)
    assert found == [f"{FORWARD}T02:30:00+00:00", "2027-03-29T02:30:00+00:00"]


@pytest.mark.parametrize(
    ("cron", "said"),
    [
        ("", "wrong number of fields"),
        ("0 9 * *", "wrong number of fields"),
        ("61 * * * *", "bad minute"),
        ("0 25 * * *", "bad hour"),
        ("0 9 * FOO *", "bad month"),
        ("0 9 31 2 *", "bad day-of-month"),
        ("0 9 * * 9", "bad day-of-week"),
        ("*/0 * * * *", "bad minute"),
        ("@reboot", "wrong number of fields"),
        ("* * */20 * 1L", "no time within the next 50 years"),
        ("٣ * * * *", "ASCII"),
        ("1" * 201, "at most 200 letters"),
    ],
)
def test_what_is_wrong_with_an_expression_is_said(cron: str, said: str) -> None:
    """Each refusal names the fault."""
    with pytest.raises(InvalidRequest, match=said):
        timetables.first_after(cron, "UTC", 0)


@pytest.mark.parametrize(
    ("tz", "meant"),
    [
        ("Europe/Berln", "Did you mean Europe/Berlin"),
        ("berlin", "Did you mean Europe/Berlin"),
        ("New York", "Did you mean America/New_York"),
        ("utc+1", "Did you mean"),
        ("localtime", "There is no time zone 'localtime'"),
        ("../../etc/passwd", "There is no time zone"),
        ("/etc/localtime", "There is no time zone"),
        ("Europe/Berlin\n", "Did you mean Europe/Berlin"),
        ("", "An example is Europe/Berlin"),
        ("x" * 200, "An example is Europe/Berlin"),
    ],
)
def test_an_unknown_zone_is_told_with_the_nearest(tz: str, meant: str) -> None:
    """A zone is one of the names that there are; no path is opened for another."""
    with pytest.raises(InvalidRequest, match=meant):
        timetables.first_after("0 9 * * *", tz, 0)


FIELDS = st.sampled_from(["*", "*/7", "0", "2", "1,3", "1-3", "5/9"])
ZONES = st.sampled_from(["UTC", BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])


@settings(max_examples=60)
@given(
    cron=st.lists(FIELDS, min_size=2, max_size=2).map(lambda two: f"{two[0]} {two[1]} * * *"),
    tz=ZONES,
    start=st.integers(at("2027-01-01T00:00+00:00"), at("2028-01-01T00:00+00:00")),
)
@example(cron="30 2 * * *", tz=BERLIN, start=at(f"{BACK}T02:15:00.250+01:00"))
@example(cron="30 1 * * *", tz="Australia/Lord_Howe", start=at("2027-04-04T01:45+10:30"))
def test_times_only_go_forward(cron: str, tz: str, start: int) -> None:
    """Each time is later than the one before, and than the start, whatever the clocks of the zone do."""
    times = [start]
    for _ in range(4):
        times.append(timetables.first_after(cron, tz, times[-1]))
    assert times == sorted(set(times))
    assert all(one % 1000 == 0 for one in times[1:])


@settings(max_examples=150)
@given(st.text(alphabet="0123456789*/-,#LWlw@ MONJANfri?", max_size=40))
def test_no_text_breaks_the_reading(cron: str) -> None:
    """Whatever is sent as an expression is a timetable or refused."""
    try:
        timetables.first_after(cron, "UTC", 0)
    except InvalidRequest:
        return
