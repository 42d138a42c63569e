"""When a schedule is due: cron expressions in time zones, as Debian's cron has it when the clocks change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import cache
from itertools import islice
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from app.domain.errors import InvalidRequest

MOST_LETTERS = 200
"""A cron expression has at most so many: a longer one is no person's, and takes its time."""

MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_FORM = (
    "It is five fields (minute, hour, day of the month, month, day of the week), such as '0 9 * * MON-FRI'."
)


def first_after(cron: str, tz: str, at: int) -> int:
    """Return the first instant of the timetable after *at*, both in epoch milliseconds.

    Raises ``InvalidRequest``, which says what is wrong with *cron* or *tz*, or that there is none within
    50 years.
    """
    found = next(_instants(cron, tz, at), None)
    if found is None:
        raise InvalidRequest(f"The cron expression {cron!r} has no time within the next 50 years.")
    return found


def upcoming(cron: str, tz: str, at: int, *, count: int = 5) -> list[str]:
    """Return the next *count* instants after *at* as ISO 8601, in their zone; raises ``InvalidRequest``."""
    zone = _zone(tz)
    return [_shown(instant, zone) for instant in islice(_instants(cron, tz, at), count)]


def _shown(at: int, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).astimezone(zone).isoformat(timespec="seconds")


def _instants(cron: str, tz: str, at: int) -> Iterator[int]:
    zone = _zone(tz)
    for moment in _simulate(cron, datetime.fromtimestamp(at // 1000, UTC).astimezone(zone)):
        instant = int(moment.timestamp()) * 1000
        # In the hour that comes twice cronsim takes the start for one in the first, and may go back.
        if instant > at:
            yield instant


def _simulate(cron: str, start: datetime) -> CronSim:
    expression = MACROS.get(cron.strip().lower(), cron)
    if len(cron) > MOST_LETTERS or not cron.isascii():
        raise InvalidRequest(f"A cron expression has at most {MOST_LETTERS} letters of ASCII. {_FORM}")
    try:
        return CronSim(expression, start)
    except CronSimError as error:
        wrong = str(error)
        raise InvalidRequest(
            f"The cron expression {cron!r}: {wrong[:1].lower()}{wrong[1:]}. {_FORM}"
        ) from error


def _zone(tz: str) -> ZoneInfo:
    if tz not in _zones():
        raise InvalidRequest(f"There is no time zone {tz!r}.{_meant(tz)}")
    return ZoneInfo(tz)


@cache
def _zones() -> frozenset[str]:
    """Return the names of all time zones, which takes looking through folders."""
    return frozenset(available_timezones() - {"localtime", "Factory"})  # the machine's own, and none at all


def _meant(tz: str) -> str:
    asked = tz.lower().replace(" ", "_")
    by_name = {name.lower(): name for name in sorted(_zones())}
    by_city = {
        name.rpartition("/")[2].lower(): name for name in sorted(_zones(), reverse=True) if "/" in name
    }
    known = {**by_city, **by_name}
    near = get_close_matches(asked[:64], known, n=3, cutoff=0.6)
    return (
        f" Did you mean {' or '.join(known[one] for one in near)}?"
        if near
        else " An example is Europe/Berlin."
    )
