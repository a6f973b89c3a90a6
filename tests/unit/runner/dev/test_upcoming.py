"""`scriptorium next` as a person runs it: a process of its own."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.unit.runner.dev.manifests import cron

NEXT = [sys.executable, "-m", "scriptorium_runner", "next"]


def next_of(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [*NEXT, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_ten_times_are_printed_after_now(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(cron())
    before = datetime.now(UTC)
    done = next_of(file)
    moments = [datetime.fromisoformat(line) for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr, len(moments)) == (0, "", 10)
    assert before < moments[0] <= datetime.now(UTC) + timedelta(minutes=1)
    assert moments[-1] - moments[0] == timedelta(minutes=9)


def test_the_moment_and_the_count_can_be_given(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(cron(schedule="30 2 * * *", timeZone="Europe/Berlin"))
    done = next_of(tmp_path, "--at", "2026-10-24T12:00:00Z", "--count", "2")
    assert done.stdout == "2026-10-25T02:30:00+02:00\n2026-10-25T02:30:00+01:00\n"


def test_a_bad_schedule_is_told_with_field_and_cure_beside_the_times_of_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(cron(schedule="0 0 31 2 *"))
    (tmp_path / "b.yaml").write_text(cron("b", schedule="@yearly"))
    done = next_of(tmp_path, "--at", "2026-10-24T12:00:00Z", "--count", "1")
    assert (done.returncode, done.stdout) == (2, "2027-01-01T00:00:00+00:00\n")
    expected = f'error: {tmp_path}/a.yaml:5: spec.schedule: "0 0 31 2 *" never fires: none of its months has'
    assert done.stderr.startswith(expected)


def test_a_suspended_schedule_is_told_beside_the_times(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(cron(suspend="true"))
    done = next_of(tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("nightly is suspended: ")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--at", "noon"], "noon is not a time such as 2026-10-24T12:00:00Z"),
        (["--at", "2026-10-24T12:00:00"], "has no offset; write it as in 2026-10-24T12:00:00+02:00"),
        (["--at", "9999-12-31T23:59:59Z"], "is not within the years 1970 to 3000"),
        (["--count", "0"], "0 is not a whole number from 1 to 1000"),
        (["absent.yaml"], "error: absent.yaml: no such file or folder"),
    ],
)
def test_an_option_that_cannot_be_followed_is_told_and_makes_the_exit_code_2(
    tmp_path: Path, options: list[str], words: str
) -> None:
    done = next_of(tmp_path, *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_output_that_nobody_reads_ends_it_quietly(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(cron())
    command = [*NEXT, str(tmp_path), "--count", "1000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (141, "")
