"""`utils` as scripts see it: in UTC and at fixed offsets at once, elsewhere by promises."""

import re

import pytest

from scriptorium_api.reasons import Reason
from scriptorium_runner.engine.roads import may_use_utils
from scriptorium_runner.host.registry import Registry
from scriptorium_runner.host.utils import UtilsHost

pytestmark = pytest.mark.asyncio(loop_scope="session")

HOST = Registry({"utils": UtilsHost})


async def evaluate(run, expression: str):
    result = await run(f"return {{v: {expression}}}", host=HOST, api_calls=0)
    assert result.reason is Reason.COMPLETED, result.error
    return result.output["v"]


AT = "'2026-01-31T22:30:15.678Z'"

SAMPLES = {
    f"utils.date.format({AT})": "2026-01-31T22:30:15.678Z",
    f"utils.date.format({AT}, 'D MMM YYYY, h:mm A')": "31 Jan 2026, 10:30 PM",
    f"utils.date.format({AT}, 'dddd [day] D of MMMM, YY')": "Saturday day 31 of January, 26",
    f"utils.date.format({AT}, undefined, '+05:00')": "2026-02-01T03:30:15.678+05:00",
    f"utils.date.format({AT}, 'HH:mm ZZ', '-0330')": "19:00 -0330",
    f"await utils.date.format({AT}, 'YYYY-MM-DD HH:mm Z', 'Asia/Tashkent')": "2026-02-01 03:30 +05:00",
    "utils.date.format(0, 'ddd')": "Thu",
    "utils.date.parse('2026-02-03')": "2026-02-03T00:00:00.000Z",
    "utils.date.parse('2026-02-03T10:20:30.1+02:00')": "2026-02-03T08:20:30.100Z",
    "utils.date.parse('2026-02-03 10:20', undefined, '-01:00')": "2026-02-03T11:20:00.000Z",
    "utils.date.parse('03.02.2026 7:05', 'DD.MM.YYYY H:mm')": "2026-02-03T07:05:00.000Z",
    "await utils.date.parse('2026-07-01 12', 'YYYY-MM-DD HH', 'Europe/Rome')": "2026-07-01T10:00:00.000Z",
    f"utils.date.add({AT}, {{months: 1}})": "2026-02-28T22:30:15.678Z",
    f"utils.date.add({AT}, {{years: -2, month: 1, hours: 2, minutes: -30}})": "2024-03-01T00:00:15.678Z",
    "utils.date.add('2024-02-29', {years: 1})": "2025-02-28T00:00:00.000Z",
    "await utils.date.add('2026-03-28T11:00Z', {days: 1}, 'Europe/Berlin')": "2026-03-29T10:00:00.000Z",
    "await utils.date.add('2026-03-28T11:00Z', {hours: 24}, 'Europe/Berlin')": "2026-03-29T11:00:00.000Z",
    "utils.date.add('0031-01-31', {months: 1})": "0031-02-28T00:00:00.000Z",
    "utils.date.add('2026-08-31', {months: -35})": "2023-09-30T00:00:00.000Z",
    "utils.date.diff('2026-03-01', '2026-02-01', 'days')": 28,
    "utils.date.diff('2026-02-28', '2026-01-31', 'month')": 1,
    "utils.date.diff('2026-02-27', '2026-01-31', 'month')": 0,
    "utils.date.diff('2024-01-01', '2026-06-01', 'years')": -2,
    "utils.date.diff(1500, 0)": 1500,
    "utils.date.diff(0, 1500, 'seconds')": -1,
    "await utils.date.diff('2026-03-29T22:00Z', '2026-03-28T23:00Z', 'day', 'Europe/Berlin')": 1,
    "utils.date.diff('2026-03-29T22:00Z', '2026-03-28T23:00Z', 'day')": 0,
    f"utils.date.startOf({AT}, 'day')": "2026-01-31T00:00:00.000Z",
    f"utils.date.startOf({AT}, 'week')": "2026-01-26T00:00:00.000Z",
    f"utils.date.startOf({AT}, 'quarter', '+05:00')": "2025-12-31T19:00:00.000Z",
    f"utils.date.startOf({AT}, 'hour', '+05:30')": "2026-01-31T22:30:00.000Z",
    f"utils.date.endOf({AT}, 'month')": "2026-01-31T23:59:59.999Z",
    f"utils.date.endOf({AT}, 'year')": "2026-12-31T23:59:59.999Z",
    f"utils.date.endOf({AT}, 'minute')": "2026-01-31T22:30:59.999Z",
    "await utils.date.startOf('2026-10-25T01:30Z', 'hour', 'Europe/Berlin')": "2026-10-25T01:00:00.000Z",
    "await utils.date.endOf('2026-03-29T12:00Z', 'day', 'Europe/Berlin')": "2026-03-29T21:59:59.999Z",
    "await utils.date.startOf('1900-01-01', 'year', 'Europe/Amsterdam')": "1899-12-31T23:40:28.000Z",
    "typeof utils.date.now().getTime()": "number",
}


@pytest.mark.parametrize("expression", SAMPLES)
async def test_a_date_is_as_expected(run, expression):
    value = await evaluate(run, expression)
    if expression.startswith("await utils.date.startOf('1900"):
        # Which offset Amsterdam had then is a matter of the database's edition; it was no whole hour.
        assert value.startswith("1899-12-31T23:4")
    else:
        assert value == SAMPLES[expression]


async def test_parts_are_those_of_the_zone(run):
    parts = await evaluate(run, "await utils.date.parts('2026-02-01T20:00:00Z', 'Asia/Kathmandu')")
    assert parts == {
        "year": 2026,
        "month": 2,
        "day": 2,
        "hour": 1,
        "minute": 45,
        "second": 0,
        "millisecond": 0,
        "weekday": 1,
        "offsetMinutes": 345,
    }


FLAWS = {
    "utils.date.parse('01/02/2026')": "RangeError",
    "utils.date.parse('2026-02-30')": "RangeError",
    "utils.date.parse('2026-02-03T25:00Z')": "RangeError",
    "utils.date.parse('2026', 'YY')": "RangeError",
    "utils.date.parse(7)": "TypeError",
    "utils.date.format({})": "TypeError",
    "utils.date.format(NaN)": "RangeError",
    "utils.date.format(0, 7)": "TypeError",
    "utils.date.add(0, {days: 1.5})": "RangeError",
    "utils.date.add(0, {fortnights: 1})": "RangeError",
    "utils.date.add(0, 1)": "TypeError",
    "utils.date.add(8.64e15, {days: 1})": "RangeError",
    "utils.date.add(0, {months: 1e7})": "RangeError",
    "utils.date.add(0, {months: Number.MAX_SAFE_INTEGER})": "RangeError",
    "utils.date.diff(0, 0, 'constructor')": "RangeError",
    "utils.date.startOf(0)": "RangeError",
    "utils.date.startOf(0, 'day', 7)": "TypeError",
    "await utils.date.startOf(0, 'day', 'Mars/Olympus')": "RangeError",
    "await utils.date.startOf(8.64e15, 'day', 'Europe/Rome')": "RangeError",
}


@pytest.mark.parametrize("expression", FLAWS)
async def test_what_is_no_date_is_told_at_the_authors_own_line(run, expression):
    result = await run(f"\nreturn {expression}", host=HOST)
    assert (result.reason, result.error.name, result.error.line) == (
        Reason.SCRIPT_ERROR,
        FLAWS[expression],
        2,
    )


async def test_without_a_host_zones_with_a_name_are_not_there(run):
    result = await run("return await utils.date.format(0, 'YYYY', 'Europe/Rome')")
    assert result.error.message == "utils.local is not there"


async def test_no_two_runs_share_random_numbers_or_uuids(run):
    source = "return Array.from({length: 50}, () => [utils.uuid(), Math.random()]).flat()"
    results = [await run(source, owner=f"random-{number % 4}") for number in range(12)]
    drawn = [value for result in results for value in result.output["value"]]
    assert len(set(drawn)) == len(drawn) == 1200
    form = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
    assert all(form.fullmatch(value) for value in drawn if isinstance(value, str))


@pytest.mark.parametrize(
    "source",
    [
        "return typeof utils.uuid",
        "return typeof globalThis['ut' + 'ils'].uuid",
        "return typeof ut\\u0069ls.uuid",
        "return typeof gl\\u006fbalThis['ut' + 'ils'].uuid",
    ],
)
async def test_utils_are_there_for_who_can_name_them(run, source):
    assert may_use_utils(source)
    assert (await run(source)).output == {"value": "function"}


async def test_utils_cannot_be_changed(run):
    result = await run("utils.uuid = 1")
    assert result.error.name == "TypeError"
    assert (await run("utils = 1")).error.name == "TypeError"
    assert (await run("utils.date.now = 1")).error.name == "TypeError"
