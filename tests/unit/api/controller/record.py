"""Asks the library of the CronJob controller about schedules and writes down what it says, to slots.jsonl.

Needs Go; run it as `python tests/unit/api/controller/record.py` when the cases below change. All cases are of
years whose rules of time zones are settled.
"""

import json
import random
import subprocess
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

HERE = Path(__file__).parent

#: Zones with every kind of change of the clock, each with the evenings before some of them, and moments
#: within an hour that is repeated, in UTC.
ZONES = {
    "UTC": ["2024-02-28T12:00"],
    "Europe/Berlin": ["2024-03-30T12:00", "2024-10-26T12:00", "2024-02-28T23:30", "2024-10-27T00:45"],
    "America/New_York": ["2024-03-09T18:00", "2024-11-02T18:00", "2024-12-31T12:00", "2024-11-03T05:45"],
    # No change since 1991.
    "Asia/Tashkent": ["2024-03-30T12:00"],
    # Half an hour off, and a quarter.
    "Asia/Kolkata": ["2024-10-26T12:00"],
    "Pacific/Chatham": ["2024-04-06T00:00", "2024-09-28T00:00"],
    # Changed by half an hour.
    "Australia/Lord_Howe": ["2024-04-06T00:00", "2024-10-05T00:00"],
    # Midnight is skipped.
    "Africa/Cairo": ["2024-04-25T00:00", "2024-10-31T00:00"],
    "America/Sao_Paulo": ["2018-11-03T12:00", "2018-02-17T12:00"],
}

SCHEDULES = [
    "* * * * *",
    "30 * * * *",
    "*/20 0-3 * * *",
    "0 0 * * *",
    "30 1 * * *",
    "0 2 * * *",
    "30 2 * * *",
    "45 1-3 * * *",
    "0 3 * * sun",
    "0 1 */2 * *",
    "5 4 1,15 * mon",
    "0 12 ? * MON-fri",
    "0 0 29 2 *",
    "15 10 31 */2 *",
    "@monthly",
    "@hourly",
]

#: What is to be taken or refused; where we differ, a test says why.
WORDS = [
    *("@yearly", "@annually", "@weekly", "@daily", "@midnight", "@reboot", "@every 5m", "@Daily", ""),
    *("* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 0 *"),
    *("* * * 13 *", "* * * * 7", "* * * * sun-sat", "* * * jan-dec/2 *", "* * mon * *", "* * * foo *"),
    *("5-2 * * * *", "1-5/2 * * * *", "5/10 * * * *", "*/0 * * * *", "*/61 * * * *", "1-2-3 * * * *"),
    *("1/2/3 * * * *", "00 09 01 01 00", "? ? ? ? ?", "-1 * * * *", "a * * * *", "1, * * * *"),
    *("1,,2 * * * *", "+1 * * * *", "*-5 * * * *", "  0   0\t* *  *  ", "0 0 31 2 *", "1.5 * * * *"),
]


def list_cases() -> list[dict[str, object]]:
    """Give every question."""
    starts = [(zone, start) for zone, starts in ZONES.items() for start in starts]
    table = [ask(schedule, zone, start) for schedule, (zone, start) in product(SCHEDULES, starts)]
    chance = random.Random(6)  # noqa: S311 - the same cases each time, no secrets
    drawn = [ask(draw(chance), *chance.choice(starts)) for _ in range(200)]
    return [*table, *drawn, *(ask(word, "UTC", "2024-02-28T12:00") for word in WORDS)]


def ask(schedule: str, zone: str, start: str) -> dict[str, object]:
    """Give one question."""
    after = int(datetime.fromisoformat(start).replace(tzinfo=UTC).timestamp())
    return {"schedule": schedule, "zone": zone, "after": after, "count": 5}


def draw(chance: random.Random) -> str:
    """Give a schedule by chance, most of them with something about the hours of the changes."""
    minute = chance.choice(["*", "*/15", "7", "0,30", "50-59", "13/20"])
    hour = chance.choice(["*", "0", "1-3", "2", "23,0", "*/6", "3/5"])
    day = chance.choice(["*", "*", "?", "1", "28-31", "*/3", "10,20,30", "*/1"])
    month = chance.choice(["*", "*", "3,4,10,11", "feb", "*/5"])
    weekday = chance.choice(["*", "*", "0", "mon-fri", "sat,sun", "*/2"])
    return " ".join((minute, hour, day, month, weekday))


def main() -> None:
    """Ask, and write down the answers."""
    questions = "\n".join(json.dumps(each) for each in list_cases())
    done = subprocess.run(
        ["go", "run", "."], cwd=HERE, input=questions, capture_output=True, text=True, check=True
    )
    (HERE / "slots.jsonl").write_text(done.stdout)


if __name__ == "__main__":
    main()
