import pytest

from scriptorium_api.schedule import MACROS, BadSchedule, Schedule, find_flaw, list_rules, read_schedule

EVERY_DAY = frozenset(range(1, 32))
EVERY_MONTH = frozenset(range(1, 13))
EVERY_WEEKDAY = frozenset(range(7))


def test_a_schedule_says_which_minutes_hours_and_days_match() -> None:
    assert read_schedule("*/20,7 8-18/5 1,15 jan-Mar,12 MON-fri") == Schedule(
        minutes=frozenset({0, 7, 20, 40}),
        hours=frozenset({8, 13, 18}),
        days=frozenset({1, 15}),
        months=frozenset({1, 2, 3, 12}),
        weekdays=frozenset(range(1, 6)),
        needs_both=False,
    )


def test_stars_and_question_marks_match_all() -> None:
    schedule = read_schedule("0 0 ? * *")
    assert (schedule.days, schedule.months, schedule.weekdays) == (EVERY_DAY, EVERY_MONTH, EVERY_WEEKDAY)
    assert schedule.needs_both


@pytest.mark.parametrize(
    ("field", "minutes"),
    [
        ("5", {5}),
        ("05", {5}),
        ("50/4", {50, 54, 58}),
        ("10-20/5", {10, 15, 20}),
        ("59-59", {59}),
        ("*/45", {0, 45}),
        ("?/45", {0, 45}),
        ("*/61", {0}),
    ],
)
def test_a_field_matches(field: str, minutes: set[int]) -> None:
    assert read_schedule(f"{field} * * * *").minutes == minutes


@pytest.mark.parametrize(
    ("days", "weekdays", "needs_both"),
    [("1", "1", False), ("*", "1", True), ("1", "*", True), ("*/2", "1", False), ("*/1", "1", True)],
)
def test_of_two_kinds_of_days_one_is_enough_unless_one_is_a_star(
    days: str, weekdays: str, needs_both: bool
) -> None:
    assert read_schedule(f"0 0 {days} * {weekdays}").needs_both is needs_both


@pytest.mark.parametrize("macro", MACROS)
def test_a_macro_is_what_it_stands_for(macro: str) -> None:
    assert read_schedule(macro) == read_schedule(MACROS[macro])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("TZ=Europe/Berlin 0 8 * * *", "put it into timeZone"),
        ("@every 5m", "or be one of @yearly"),
        ("0 8 * *", "must have five fields"),
        ("61 8 * * *", "the minute must be 0-59, *, or ranges"),
        ("0 8 * * 7", "such as mon-fri (Sunday is 0)"),
        ("0 8 * * fri-mon", "the day of the week fri-mon runs backwards"),
        ("0 18-8 * * *", "the hour 18-8 runs backwards"),
    ],
)
def test_what_is_no_schedule_is_told_with_the_cure(text: str, words: str) -> None:
    with pytest.raises(BadSchedule, match=words.replace("(", r"\(").replace(")", r"\)").replace("*", r"\*")):
        read_schedule(text)


def test_every_rule_has_words_of_its_own() -> None:
    messages = [message for _, message in list_rules()]
    assert len(set(messages)) == len(messages) == 7
    broken = {find_flaw(text) for text in ("TZ=UTC @daily", "a", "a a a a a", "0 a a a a", "0 0 a a a")}
    assert broken < set(messages)
    assert len(broken) == 5


def test_a_long_schedule_is_read_at_once() -> None:
    """A regular expression that backtracks would take years for it."""
    assert find_flaw("0-59/1," * 35 + "x * * * *") is not None
    assert find_flaw(" " * 250 + "x") is not None
    assert find_flaw("* " * 127) is not None
