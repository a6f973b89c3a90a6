from datetime import timedelta

import pytest

from scriptorium_api.conditions import Finding
from scriptorium_api.script import Script, ScriptStatus
from scriptorium_operator.build.script_status import build_script_status
from scriptorium_operator.decide import verdicts
from scriptorium_operator.decide.sources import SourceProblem
from scriptorium_operator.facts import SyntaxFault
from tests.unit.operator.fakes import NOW, make_script

GOOD = verdicts.judge_fault(None)
BAD = verdicts.judge_fault(SyntaxFault("bad", 1, 1))
MISSING = verdicts.judge_problem(SourceProblem("SourceMissing", "create it"))


def with_status(script: Script, status: ScriptStatus) -> Script:
    return script.model_copy(update={"status": status})


def reasons(status: ScriptStatus) -> dict[str, tuple[str, str]]:
    return {condition.type: (condition.status, condition.reason) for condition in status.conditions}


def test_the_first_source_is_version_one() -> None:
    status = build_script_status(make_script(), GOOD, "sha256:a", NOW)
    assert (status.version, status.source_hash, status.observed_generation) == (1, "sha256:a", 1)


@pytest.mark.parametrize(("source_hash", "version"), [("sha256:a", 1), ("sha256:b", 2)])
def test_the_version_counts_changes_of_the_source(source_hash: str, version: int) -> None:
    former = build_script_status(make_script(), GOOD, "sha256:a", NOW)
    status = build_script_status(with_status(make_script(), former), GOOD, source_hash, NOW)
    assert status.version == version


def test_a_source_that_comes_back_unchanged_is_the_same_version() -> None:
    first = build_script_status(make_script(), GOOD, "sha256:a", NOW)
    lost = build_script_status(with_status(make_script(), first), MISSING, None, NOW)
    again = build_script_status(with_status(make_script(), lost), GOOD, "sha256:a", NOW)
    assert (lost.version, lost.source_hash) == (1, "sha256:a")
    assert again.version == 1


@pytest.mark.parametrize(
    ("compiled", "suspend", "expected"),
    [
        (GOOD, False, {"Ready": ("True", "Ready"), "Compiled": ("True", "Compiled")}),
        (GOOD, True, {"Ready": ("False", "Suspended"), "Compiled": ("True", "Compiled")}),
        (BAD, False, {"Ready": ("False", "SyntaxError"), "Compiled": ("False", "SyntaxError")}),
        (BAD, True, {"Ready": ("False", "SyntaxError"), "Compiled": ("False", "SyntaxError")}),
        (MISSING, False, {"Ready": ("False", "SourceMissing"), "Compiled": ("False", "SourceMissing")}),
    ],
)
def test_ready_means_compiled_and_not_suspended(
    compiled: Finding, suspend: bool, expected: dict[str, tuple[str, str]]
) -> None:
    script = make_script(spec={"source": "return 1", "suspend": suspend})
    assert reasons(build_script_status(script, compiled, "sha256:a", NOW)) == expected


def test_nothing_new_gives_the_same_status_at_any_time() -> None:
    former = build_script_status(make_script(), GOOD, "sha256:a", NOW)
    later = NOW + timedelta(days=1)
    assert build_script_status(with_status(make_script(), former), GOOD, "sha256:a", later) == former
