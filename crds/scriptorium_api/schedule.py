"""How a schedule is written, and what it says. Pure.

The language is that of the CronJob controller, less what it takes by accident: empty items of a list, signs
before numbers, and `*-5`. A test compares the two.
"""

import re
from collections.abc import Iterator

from scriptorium_api.values import frozen

#: Longer schedules would say nothing that a shorter one cannot.
MAX_SCHEDULE = 256

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")

MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


@frozen(kw_only=True)
class FieldKind:
    """One of the five fields."""

    name: str
    example: str
    least: int
    most: int
    #: A regular expression of its numbers and names, for Python and for RE2.
    value: str
    names: tuple[str, ...] = ()

    @property
    def pattern(self) -> str:
        """Give the regular expression of the whole field: a list of values and ranges, with steps."""
        value = f"(?:{self.value})"
        item = rf"(?:[*?]|{value}(?:-{value})?)(?:/0{{0,2}}[1-9][0-9]{{0,2}})?"
        return f"{item}(?:,{item})*"

    @property
    def problem(self) -> str:
        """Say what a manifest is told whose field is none."""
        names = f" or {self.names[0]}-{self.names[-1]}" if self.names else ""
        kinds = f"{self.least}-{self.most}{names}, *, or ranges, steps and lists of them"
        return f"schedule: the {self.name} must be {kinds}, such as {self.example}"

    def read_value(self, text: str) -> int:
        """Give the number that a number or a name stands for."""
        name = text.lower()
        return self.names.index(name) + self.least if name in self.names else int(text)


FIELDS = (
    FieldKind(name="minute", example="*/15", least=0, most=59, value="[0-5]?[0-9]"),
    FieldKind(name="hour", example="8-18", least=0, most=23, value="[01]?[0-9]|2[0-3]"),
    FieldKind(name="day of the month", example="1,15", least=1, most=31, value="0?[1-9]|[12][0-9]|3[01]"),
    FieldKind(
        name="month",
        example="jan-mar",
        least=1,
        most=12,
        value=f"0?[1-9]|1[0-2]|(?i:{'|'.join(_MONTHS)})",
        names=_MONTHS,
    ),
    FieldKind(
        name="day of the week",
        example="mon-fri (Sunday is 0)",
        least=0,
        most=6,
        value=f"0?[0-6]|(?i:{'|'.join(_WEEKDAYS)})",
        names=_WEEKDAYS,
    ),
)

_FORM = r"^(?:@(?:" + "|".join(macro[1:] for macro in MACROS) + r")|(?:[^ \t@]+[ \t]+){4}[^ \t]+)$"
_FORM_PROBLEM = (
    "schedule must have five fields, minute hour day-of-month month day-of-week, such as 30 8 * * mon-fri,"
    f" or be one of {', '.join(MACROS)}"
)
_ZONE_PROBLEM = "schedule must not name a time zone; put it into timeZone"


class BadSchedule(ValueError):
    """This is no schedule; the message says what to change."""


@frozen(kw_only=True)
class Schedule:
    """What a schedule says: the minutes, hours and days that match."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    #: From Sunday, which is 0.
    weekdays: frozenset[int]
    #: Whether a day has to match by its number and by its weekday too; otherwise one of both is enough.
    needs_both: bool


def list_rules() -> Iterator[tuple[str, str]]:
    """Give what the API server checks, each rule as an expression with its message.

    What has no five fields is told only that, and not what is wrong with each of them.
    """
    yield "!self.contains('TZ')", _ZONE_PROBLEM
    yield f"self.contains('TZ') || self.matches(r'{_FORM}')", _FORM_PROBLEM
    for place, kind in enumerate(FIELDS):
        pattern = _pattern_at(place, kind)
        yield f"!self.matches(r'{_FORM}') || self.startsWith('@') || self.matches(r'{pattern}')", kind.problem


def find_flaw(text: str) -> str | None:
    """Say which of the API server's rules a schedule breaks, and the cure; None if it keeps them."""
    if "TZ" in text:
        return _ZONE_PROBLEM
    if not _matches(_FORM, text):
        return _FORM_PROBLEM
    if text.startswith("@"):
        return None
    broken = (kind for place, kind in enumerate(FIELDS) if not _matches(_pattern_at(place, kind), text))
    return next((kind.problem for kind in broken), None)


def read_schedule(text: str) -> Schedule:
    """Give what a schedule says; raises BadSchedule."""
    if flaw := find_flaw(text):
        raise BadSchedule(flaw)
    minutes, hours, days, months, weekdays = MACROS.get(text, text).split()
    return Schedule(
        minutes=_read_field(FIELDS[0], minutes),
        hours=_read_field(FIELDS[1], hours),
        days=_read_field(FIELDS[2], days),
        months=_read_field(FIELDS[3], months),
        weekdays=_read_field(FIELDS[4], weekdays),
        needs_both=_has_star(days) or _has_star(weekdays),
    )


def _matches(pattern: str, text: str) -> bool:
    return re.fullmatch(pattern[1:-1], text) is not None


def _pattern_at(place: int, kind: FieldKind) -> str:
    return rf"^(?:[^ \t]+[ \t]+){{{place}}}(?:{kind.pattern})(?:[ \t]+[^ \t]+){{{4 - place}}}$"


def _read_field(kind: FieldKind, text: str) -> frozenset[int]:
    return frozenset(value for item in text.split(",") for value in _read_item(kind, item))


def _read_item(kind: FieldKind, item: str) -> range:
    span, _, step = item.partition("/")
    first, _, last = span.partition("-")
    if first in ("*", "?"):
        return range(kind.least, kind.most + 1, int(step or 1))
    low = kind.read_value(first)
    # A number with a step means from there to the end.
    high = kind.read_value(last) if last else kind.most if step else low
    if low > high:
        raise BadSchedule(
            f"schedule: the {kind.name} {span} runs backwards; write it as a list of two ranges"
        )
    return range(low, high + 1, int(step or 1))


def _has_star(field: str) -> bool:
    """Say whether a field leaves the choice to the other one: `*` and `*/1` do, `*/2` does not."""
    spans = (item.partition("/") for item in field.split(","))
    return any(span in ("*", "?") and int(step or 1) == 1 for span, _, step in spans)
