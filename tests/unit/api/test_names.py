from datetime import UTC, datetime

from scriptorium_api import names

LONGEST = "n" * 52


def test_a_cronjobs_name_fits_and_is_its_cron_scripts_alone() -> None:
    assert len(names.cron_job_name(LONGEST)) == 52
    assert names.cron_job_name("nightly").startswith("nightly-")
    assert names.cron_job_name("n" * 51) != names.cron_job_name(LONGEST)


def test_a_shortened_name_does_not_break_at_a_separator() -> None:
    assert "--" not in names.cron_job_name("n" * 40 + "-" + "n" * 11)


def test_a_slot_has_one_name_whoever_asks() -> None:
    slot = datetime(2026, 11, 21, 2, 30, tzinfo=UTC)
    assert names.slot_run_name("nightly", slot) == f"nightly-{int(slot.timestamp()) // 60}"
    assert len(names.slot_run_name(LONGEST, datetime(2150, 1, 1, tzinfo=UTC))) <= names.MAX_NAME


def test_an_inline_script_has_a_name_that_fits() -> None:
    assert len(names.inline_script_name(LONGEST)) <= names.MAX_NAME
    assert names.inline_script_name("a") != names.inline_script_name("b")
