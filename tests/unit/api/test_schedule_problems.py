from datetime import timedelta
from typing import Any

import pytest

from scriptorium_api.cron_script import CronScriptSpec
from scriptorium_api.schedule_problems import UnknownZone, find_problem, find_zone


def make_spec(**spec: Any) -> CronScriptSpec:
    return CronScriptSpec.model_validate({"schedule": "0 8 * * *", "scriptRef": {"name": "hello"}} | spec)


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"schedule": "0 0 29 feb *"},
        {"schedule": "* * * * *"},
        {"timeZone": "America/Argentina/Buenos_Aires"},
        {"schedule": "@hourly", "jitterSeconds": 3599},
    ],
)
def test_what_can_be_meant_has_no_problem(spec: dict[str, Any]) -> None:
    assert find_problem(make_spec(**spec)) is None


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        (
            {"schedule": "0 0 31 feb *"},
            'spec.schedule: "0 0 31 feb *" never fires: none of its months has such a day',
        ),
        (
            {"schedule": "0 0 31 4,6,9,11 *"},
            'spec.schedule: "0 0 31 4,6,9,11 *" never fires: none of its months has such a day',
        ),
        (
            {"schedule": "0 18-8 * * *"},
            "spec.schedule: schedule: the hour 18-8 runs backwards; write it as a list of two ranges",
        ),
        (
            {"timeZone": "Europe/Berln"},
            'spec.timeZone: there is no time zone "Europe/Berln"; did you mean Europe/Berlin',
        ),
        ({"timeZone": "Europe"}, 'spec.timeZone: there is no time zone "Europe"'),
        ({"timeZone": "Xyzzy/Plugh"}, "names are such as Europe/Berlin or UTC"),
        (
            {"schedule": "@hourly", "jitterSeconds": 3600},
            "spec.jitterSeconds: must be less than the 60 minutes between two slots",
        ),
    ],
)
def test_what_cannot_be_meant_is_told_with_the_field(spec: dict[str, Any], problem: str) -> None:
    assert problem in (find_problem(make_spec(**spec)) or "")


@pytest.mark.parametrize(
    ("schedule", "is_allowed"), [("*/5 * * * *", True), ("0,4 * * * *", False), ("* 8 * * *", False)]
)
def test_a_platform_can_say_how_often_is_too_often(schedule: str, is_allowed: bool) -> None:
    problem = find_problem(make_spec(schedule=schedule), least_interval=timedelta(minutes=5))
    assert (problem is None) == is_allowed
    assert is_allowed or "no more often than every 5 minutes is allowed here" in (problem or "")


def test_an_unknown_zone_is_refused_each_time() -> None:
    for _ in range(2):
        with pytest.raises(UnknownZone):
            find_zone("Mars/Olympus_Mons")
