"""The slots of a schedule: the moments at which it fires, as the CronJob controller finds them. Pure.

Slots are in UTC: two moments of one time zone compare by their wall clocks, which is wrong in the hour that a
clock runs through twice.
"""

import math
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import islice, pairwise, takewhile
from zoneinfo import ZoneInfo

from scriptorium_api.schedule import Schedule

_MINUTE, _HOUR, _DAY = 60, 3600, 86400

#: A schedule that has no slot within so many years has none for the controller.
_YEARS = 5

#: Eight years have every day of every month, the 29 February twice.
_CALENDAR = [date(2000, 1, 1) + timedelta(days=number) for number in range(8 * 365 + 2)]


def find_next(schedule: Schedule, zone: ZoneInfo, after: datetime) -> datetime | None:
    """Give the first slot after a moment; None if there is none within five years."""
    search = _Search(schedule, zone, math.floor(after.timestamp()) + 1)
    last_year = search.local.year + _YEARS
    while search.local.year <= last_year:
        if search.reach():
            return datetime.fromtimestamp(search.unix, UTC)
    return None


def walk(schedule: Schedule, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """Give the slots after a moment, one after another."""
    slot = find_next(schedule, zone, after)
    while slot is not None:
        yield slot
        slot = find_next(schedule, zone, slot)


def list_upcoming(schedule: Schedule, zone: ZoneInfo, after: datetime, count: int = 5) -> list[datetime]:
    """Give the next slots after a moment."""
    return list(islice(walk(schedule, zone, after), count))


def list_latest(
    schedule: Schedule, zone: ZoneInfo, after: datetime, until: datetime, most: int
) -> list[datetime]:
    """Give the slots after one moment up to and with another: the last ones, if they are too many."""
    span = timedelta(minutes=most)
    while (begin := max(after, until - span)) > after and count(schedule, zone, begin, until) < most:
        span *= 2
    found = takewhile(lambda slot: slot <= until, walk(schedule, zone, begin))
    return list(found)[-most:]


def find_previous(schedule: Schedule, zone: ZoneInfo, until: datetime) -> datetime | None:
    """Give the last slot up to and with a moment; None if there is none within five years."""
    latest = list_latest(schedule, zone, until - timedelta(days=366 * _YEARS), until, most=1)
    return latest[0] if latest else None


def is_slot(schedule: Schedule, zone: ZoneInfo, moment: datetime) -> bool:
    """Say whether a schedule fires at this moment."""
    return find_next(schedule, zone, moment - timedelta(seconds=1)) == moment


def count(schedule: Schedule, zone: ZoneInfo, after: datetime, until: datetime) -> int:
    """Give how many slots there are after one moment up to and with another, be it years later.

    Days are counted as a whole, but for those about a change of the clock: there the slots are looked up.
    """
    times = [hour * _HOUR + minute * _MINUTE for hour in schedule.hours for minute in schedule.minutes]
    total, reached, last = 0, math.floor(after.timestamp()), math.floor(until.timestamp())
    while reached < last:
        local = datetime.fromtimestamp(reached + 1, zone)
        begin = local.hour * _HOUR + local.minute * _MINUTE + local.second
        rest = min(_DAY - 1 - begin, last - reached - 1)
        if _offset(zone, reached) == _offset(zone, reached + rest + _DAY):
            if is_day(schedule, local):
                total += sum(begin <= time <= begin + rest for time in times)
            reached += rest + 1
        elif (slot := find_next(schedule, zone, datetime.fromtimestamp(reached, UTC))) and slot <= until:
            total += 1
            reached = int(slot.timestamp())
        else:
            break
    return total


def is_day(schedule: Schedule, day: date) -> bool:
    """Say whether a schedule fires on a day of the calendar."""
    return day.month in schedule.months and _is_day_of_month(schedule, day)


@lru_cache(maxsize=512)  # It walks through eight years, and is asked at each slot.
def find_least_gap(schedule: Schedule) -> timedelta | None:
    """Give the shortest time between two slots where no clock is changed; None if it never fires."""
    times = sorted(60 * hour + minute for hour in schedule.hours for minute in schedule.minutes)
    days = [day for day in _CALENDAR if is_day(schedule, day)]
    if not days:
        return None
    overnight = min(later - earlier for earlier, later in pairwise(days))
    gaps = [timedelta(minutes=later - earlier) for earlier, later in pairwise(times)]
    return min([*gaps, overnight - timedelta(minutes=times[-1] - times[0])])


class _Search:
    """The search for the next slot, step for step as robfig/cron does it.

    On the days that clocks are changed its steps decide what a slot is, so none is taken in another way: an
    hour that is skipped has no slots, one that is repeated has them twice.
    """

    def __init__(self, schedule: Schedule, zone: ZoneInfo, unix: int) -> None:
        self._schedule = schedule
        self._zone = zone
        self._is_reset = False
        self._set(unix)

    def reach(self) -> bool:
        """Go on to where every field matches; False where the search came over an end and begins anew."""
        return (
            self._reach_month()
            and self._reach_day()
            and self._reach_hour()
            and self._reach_minute()
            and self._reach_second()
        )

    def _reach_month(self) -> bool:
        while self.local.month not in self._schedule.months:
            self._reset(day=1, hour=0, minute=0, second=0)
            self._add_date(months=1)
            if self.local.month == 1:
                return False
        return True

    def _reach_day(self) -> bool:
        while not _is_day_of_month(self._schedule, self.local):
            self._reset(hour=0, minute=0, second=0)
            self._add_date(days=1)
            # Where midnight is skipped, the day began at one, or was left at eleven.
            if self.local.hour > 12:
                self._set(self.unix + (24 - self.local.hour) * _HOUR)
            elif self.local.hour:
                self._set(self.unix - self.local.hour * _HOUR)
            if self.local.day == 1:
                return False
        return True

    def _reach_hour(self) -> bool:
        while self.local.hour not in self._schedule.hours:
            self._reset(minute=0, second=0)
            self._set(self.unix + _HOUR)
            if self.local.hour == 0:
                return False
        return True

    def _reach_minute(self) -> bool:
        while self.local.minute not in self._schedule.minutes:
            # Not by the wall clock, as with hours: of an hour that is repeated it would not say which one.
            self._is_reset = True
            self._set(self.unix - self.unix % _MINUTE + _MINUTE)
            if self.local.minute == 0:
                return False
        return True

    def _reach_second(self) -> bool:
        if self.local.second:
            self._is_reset = True
            self._set(self.unix + _MINUTE - self.local.second)
            return False
        return True

    def _set(self, unix: int) -> None:
        self.unix = unix
        self.local = datetime.fromtimestamp(unix, self._zone)

    def _reset(self, **fields: int) -> None:
        """Go back to the beginning of the field, the first time that any field is left."""
        if not self._is_reset:
            self._is_reset = True
            self._set(_find_unix(self.local.replace(tzinfo=None, **fields), self._zone))

    def _add_date(self, months: int = 0, days: int = 0) -> None:
        wall = self.local.replace(tzinfo=None, fold=0)
        years, month = divmod(wall.month - 1 + months, 12)
        first = wall.replace(year=wall.year + years, month=month + 1, day=1)
        self._set(_find_unix(first + timedelta(days=wall.day - 1 + days), self._zone))


def _is_day_of_month(schedule: Schedule, day: date) -> bool:
    is_number, is_weekday = day.day in schedule.days, day.isoweekday() % 7 in schedule.weekdays
    return is_number and is_weekday if schedule.needs_both else is_number or is_weekday


def _find_unix(wall: datetime, zone: ZoneInfo) -> int:
    """Give the moment of a wall clock, as Go's time.Date does where there are two or none."""
    naive = int(wall.replace(tzinfo=UTC).timestamp())
    return naive - _offset(zone, naive - _offset(zone, naive))


def _offset(zone: ZoneInfo, unix: int) -> int:
    offset = datetime.fromtimestamp(unix, zone).utcoffset()
    return int(offset.total_seconds()) if offset else 0
