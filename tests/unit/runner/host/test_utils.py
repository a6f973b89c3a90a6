from datetime import UTC, datetime
from typing import Any

import pytest

from scriptorium_runner.engine import HostError
from scriptorium_runner.host.utils import UtilsHost


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("zone", "moment", "shown"),
    [
        ("Asia/Tashkent", "2026-05-01T12:00", "2026-05-01T17:00"),
        ("Europe/Berlin", "2026-03-29T00:59", "2026-03-29T01:59"),
        ("Europe/Berlin", "2026-03-29T01:00", "2026-03-29T03:00"),
        ("Asia/Kathmandu", "2026-01-01T00:00", "2026-01-01T05:45"),
    ],
)
async def test_a_clock_shows_the_time_of_its_zone(zone: str, moment: str, shown: str) -> None:
    assert await UtilsHost().call("utils.local", [zone, ms(moment)]) == ms(shown)


@pytest.mark.parametrize(
    ("shown", "moment"),
    [
        ("2026-07-01T12:00", "2026-07-01T10:00"),
        ("2026-03-29T02:30", "2026-03-29T01:30"),
        ("2026-10-25T02:30", "2026-10-25T00:30"),
    ],
    ids=["summer", "a time that is skipped", "a time that comes twice"],
)
async def test_the_moment_of_a_wall_clocks_time_is_found(shown: str, moment: str) -> None:
    assert await UtilsHost().call("utils.instant", ["Europe/Berlin", ms(shown)]) == ms(moment)


@pytest.mark.parametrize(
    "zone", ["", "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "europe/berlin\0", "x" * 500]
)
async def test_a_zone_that_does_not_exist_is_told(zone: str) -> None:
    with pytest.raises(HostError) as caught:
        await UtilsHost().call("utils.local", [zone, 0])
    assert (caught.value.code, caught.value.name) == ("UnknownTimeZone", "RangeError")
    assert len(caught.value.message) < 200


@pytest.mark.parametrize("time", [8.64e15, -8.64e15, 2**70, 253_402_300_800_000])
async def test_a_time_that_no_zone_is_known_for_is_told(time: float) -> None:
    with pytest.raises(HostError, match="1 to 9999"):
        await UtilsHost().call("utils.instant", ["Europe/Berlin", int(time)])


@pytest.mark.parametrize(
    "arguments", [[], ["UTC"], ["UTC", "1"], ["UTC", True], [1, 1], ["UTC", 1.5], ["UTC", 1, 2]]
)
async def test_other_arguments_are_refused(arguments: list[Any]) -> None:
    with pytest.raises(HostError) as caught:
        await UtilsHost().call("utils.local", arguments)
    assert caught.value.code == "InvalidArgument"
