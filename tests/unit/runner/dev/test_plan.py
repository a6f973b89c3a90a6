"""Which runs start and stop when the files are as they are."""

from pathlib import Path

import pytest

from scriptorium_runner.dev import plan
from scriptorium_runner.dev.plan import Key, Plan
from scriptorium_runner.dev.shelf import Shelf
from scriptorium_runner.sources.files import FileBoard
from tests.unit.runner.dev.manifests import HEAD, cron, run, script

GENERATED = f"{HEAD}kind: ScriptExecution\nmetadata: {{generateName: x-}}\nspec: {{source: return 1}}\n---\n"
FROM_NOWHERE = f"""{HEAD}kind: Script
metadata: {{name: work}}
spec:
  sourceFrom: {{configMapKeyRef: {{name: code, key: a.js}}}}
"""
WITH_VALUES = f"""{HEAD}kind: Script
metadata: {{name: work}}
spec:
  source: return env.KEY
  env: [{{name: KEY, valueFrom: {{secretKeyRef: {{name: payment, key: api-key}}}}}}]
"""
RUN_NOW = run("now").replace("scriptRef: {name: work}", "cronScriptRef: {name: nightly}")
INLINE = {"scriptRef": "", "script": "{source: return 1}"}


def secret(value: str, key: str = "api-key", part: str = "stringData") -> str:
    return f"apiVersion: v1\nkind: Secret\nmetadata: {{name: payment}}\n{part}: {{{key}: {value}}}\n"


class Folder:
    """A folder of one file, and what is decided each time that it is written."""

    def __init__(self, path: Path) -> None:
        self.file = path / "a.yaml"
        self._shelf, self._board = Shelf([path]), FileBoard()
        self._prints: dict[Key, str] = {}

    def write(self, *manifests: str) -> Plan:
        self.file.write_text("---\n".join(manifests))
        loaded = self._shelf.load(self._shelf.look())
        self._board.take(loaded)
        decided = plan.decide_runs(self._board, loaded, self._prints)
        self._prints = decided.prints
        return decided


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_runs_start_in_the_order_of_the_files(folder: Folder) -> None:
    decided = folder.write(script("return 1"), *(run(f"run-{n}") for n in range(300)))
    assert list(decided.starts) == [("default", f"run-{n}") for n in range(300)]


def test_what_did_not_change_does_not_start_again(folder: Folder) -> None:
    folder.write(script("return 1"), run())
    decided = folder.write("# a comment\n" + script("return 1"), run())
    assert not decided.starts
    assert not decided.stops


def test_a_changed_script_starts_its_run_again_and_stops_the_former(folder: Folder) -> None:
    folder.write(script("return 1"), run())
    decided = folder.write(script("return 2"), run())
    assert list(decided.starts) == [("default", "run-1")]
    assert decided.stops == {("default", "run-1")}


def test_a_changed_value_starts_the_run_again_and_an_unchanged_one_does_not(folder: Folder) -> None:
    folder.write(WITH_VALUES, secret("one"), run())
    assert not folder.write(WITH_VALUES, secret("b25l", part="data"), run()).starts
    assert list(folder.write(WITH_VALUES, secret("two"), run()).starts) == [("default", "run-1")]


def test_a_run_that_is_removed_stops(folder: Folder) -> None:
    folder.write(script("return 1"), run())
    assert folder.write(script("return 1")).stops == {("default", "run-1")}


def test_runs_of_one_name_in_two_namespaces_are_two(folder: Folder) -> None:
    texts = [script("return 1"), run(), run(namespace="other"), script("return 1", namespace="other")]
    decided = folder.write(*texts)
    assert list(decided.starts) == [("default", "run-1"), ("other", "run-1")]
    assert not folder.write(*texts).starts
    changed = folder.write(*texts[:3], script("return 2", namespace="other"))
    assert list(changed.starts) == [("other", "run-1")]


def test_runs_without_a_name_are_told_apart_and_stay_what_they_are(folder: Folder) -> None:
    assert len(folder.write(GENERATED, GENERATED).starts) == 2
    moved = folder.write("# lines above\n# move them\n" + GENERATED, GENERATED)
    assert not moved.starts
    assert len(folder.write(GENERATED, GENERATED, GENERATED).starts) == 1


@pytest.mark.parametrize(
    ("scripts", "line", "words"),
    [
        ([], 4, 'there is no Script "work" in these files; add it, or correct the name'),
        (
            [script("return 1", namespace="other")],
            4,
            'there is no Script "work" in these files; add it, or correct the name',
        ),
        (
            [script("return 1") + "  suspend: true\n"],
            4,
            'Script "work" is suspended; set its spec.suspend to false, at {file}:12',
        ),
        (
            [FROM_NOWHERE],
            4,
            'the source in ConfigMap "code", key "a.js", cannot be used: the ConfigMap does not exist',
        ),
        (
            [WITH_VALUES],
            4,
            'no value yet for env.KEY (Secret "payment", key "api-key"): add what is missing to these files',
        ),
        (
            [WITH_VALUES, secret("x", "other")],
            4,
            'no value yet for env.KEY (Secret "payment", key "api-key"): add what is missing to these files',
        ),
    ],
)
def test_a_run_that_could_not_start_is_told_with_its_place_and_its_cure(
    folder: Folder, scripts: list[str], line: int, words: str
) -> None:
    decided = folder.write(run(), *scripts)
    (obstacle,) = decided.obstacles
    assert obstacle.line == line
    assert obstacle.text.startswith("spec.scriptRef.name: " + words.format(file=folder.file))
    assert not decided.starts


def test_a_run_starts_when_its_obstacle_is_gone(folder: Folder) -> None:
    folder.write(run(), script("return 1"))
    suspended = folder.write(run(), script("return 1") + "  suspend: true\n")
    assert suspended.stops == {("default", "run-1")}
    assert list(folder.write(run(), script("return 1")).starts) == [("default", "run-1")]


@pytest.mark.parametrize(
    ("starts", "has_complaints", "told"),
    [(2, False, ": 2 to run"), (1, True, ": 1 to run"), (0, False, ": nothing to run again"), (0, True, "")],
)
def test_a_change_is_told_with_what_follows(
    folder: Folder, starts: int, has_complaints: bool, told: str
) -> None:
    decided = folder.write(script("return 1"), *(run(f"run-{number}") for number in range(starts)))
    assert plan.summarize(decided, has_complaints=has_complaints) == told


def test_a_run_of_what_a_schedule_runs_starts_again_when_that_changes(folder: Folder) -> None:
    key = ("default", "now")
    assert list(folder.write(script("return 1"), cron(), RUN_NOW).starts) == [key]
    assert folder.write(script("return 1"), cron(), RUN_NOW).starts == {}
    assert list(folder.write(script("return 1"), cron(input="{a: 1}"), RUN_NOW).starts) == [key]
    assert list(folder.write(script("return 2"), cron(input="{a: 1}"), RUN_NOW).starts) == [key]
    assert list(folder.write(cron(**INLINE), RUN_NOW).starts) == [key]
    decided = folder.write(cron(**INLINE | {"script": "{source: return 2}"}), RUN_NOW)
    assert list(decided.starts) == [key]
    assert decided.stops == {key}


def test_when_a_schedule_fires_starts_no_run_again(folder: Folder) -> None:
    folder.write(script("return 1"), cron(), RUN_NOW)
    assert folder.write(script("return 1"), cron(schedule="@daily", suspend="true"), RUN_NOW).starts == {}


def test_a_schedule_is_no_run_of_the_plan(folder: Folder) -> None:
    assert folder.write(script("return 1"), cron()) == Plan()


@pytest.mark.parametrize(
    ("manifests", "problems"),
    [
        (
            [RUN_NOW],
            ['4: spec.cronScriptRef.name: there is no CronScript "nightly" in these files; add it, or'],
        ),
        (
            [cron(), RUN_NOW],
            [
                '11: spec.cronScriptRef.name: there is no Script "work" in these files; add it, or correct',
                '6: spec.scriptRef.name: there is no Script "work" in these files; add it, or correct',
            ],
        ),
        (
            [cron(), script("return 1") + "  suspend: true\n"],
            ['6: spec.scriptRef.name: Script "work" is suspended; set its spec.suspend to false, at'],
        ),
        (
            [cron(**INLINE | {"script": "{sourceFrom: {configMapKeyRef: {name: code, key: a.js}}}"})],
            ["6: spec.script: "],
        ),
    ],
)
def test_a_schedule_that_cannot_run_is_told(
    folder: Folder, manifests: list[str], problems: list[str]
) -> None:
    told = folder.write(*manifests).obstacles
    assert len(told) == len(problems)
    for problem, words in zip(told, problems, strict=True):
        assert str(problem).startswith(f"{folder.file}:{words}")
