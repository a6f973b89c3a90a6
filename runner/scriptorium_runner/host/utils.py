"""What `utils.date` asks for zones with a name: which time a clock there shows, and when it shows a time.

Times are milliseconds since 1970; a wall clock's time is the milliseconds that it would be in UTC.
"""

import functools
import zoneinfo
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from scriptorium_runner.engine import HostError
from scriptorium_runner.host import quotes

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class UtilsHost:
    """Knows the zones of the time zone database."""

    async def call(self, method: str, arguments: list[Any]) -> int:
        """Answer `utils.local` or `utils.instant`, each with [zone, time]."""
        zone, time = _read_arguments(arguments)
        try:
            return find_local(zone, time) if method == "utils.local" else find_instant(zone, time)
        except (OverflowError, ValueError) as error:
            message = "the date is outside the years that zones with a name are known for, 1 to 9999"
            raise HostError(message, code="DateOutOfRange", name="RangeError") from error


def find_local(zone: tzinfo, time: int) -> int:
    """Say which time a clock in the zone shows at a moment."""
    local = (_EPOCH + time * _MILLISECOND).astimezone(zone)
    return (local.replace(tzinfo=UTC) - _EPOCH) // _MILLISECOND


def find_instant(zone: tzinfo, local: int) -> int:
    """Say when a clock in the zone shows a time.

    The first time, where it is shown twice; where it is skipped, as much later as the clock was put forward.
    """
    shown = (_EPOCH + local * _MILLISECOND).replace(tzinfo=zone)
    return (shown - _EPOCH) // _MILLISECOND


def _read_arguments(arguments: list[Any]) -> tuple[tzinfo, int]:
    match arguments:
        case [str(name), int(time)] if not isinstance(time, bool):
            return _find_zone(name), time
    raise HostError("a zone and a time are needed", code="InvalidArgument", name="TypeError")


def _find_zone(name: str) -> tzinfo:
    # Only names that are on the list are looked up: a name is a path, and the script's.
    if name not in _zone_names():
        raise HostError(
            f"there is no time zone {quotes.quote(name)}", code="UnknownTimeZone", name="RangeError"
        )
    return zoneinfo.ZoneInfo(name)


@functools.cache
def _zone_names() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())
