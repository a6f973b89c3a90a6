"""`scriptorium dev` as a person runs it: a process of its own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from threading import Thread

import pytest

ROOT = Path(__file__).parents[4]
DEV = [sys.executable, "-m", "scriptorium_runner", "dev"]
HEAD = "apiVersion: scriptorium.dev/v1alpha1\n"


def script(source: str, name: str = "work") -> str:
    return f"{HEAD}kind: Script\nmetadata: {{name: {name}}}\nspec:\n  source: |\n    {source}\n"


def run(name: str = "run-1", script: str = "work") -> str:
    return (
        f"{HEAD}kind: ScriptExecution\nmetadata: {{name: {name}}}\nspec: {{scriptRef: {{name: {script}}}}}\n"
    )


def once(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [*DEV, str(folder), "--once", "--state", str(folder / "state"), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_every_example_runs_and_succeeds(tmp_path: Path) -> None:
    command = [*DEV, str(ROOT / "examples"), "--once", "--output", "json", "--state", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    runs = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr
    assert {run["status"]["phase"] for run in runs} == {"Succeeded"}
    named = (ROOT / "examples").glob("*.yaml")
    assert len(runs) == sum(file.read_text().count("kind: ScriptExecution") for file in named)


def test_the_json_is_what_kubectl_would_show(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(script("return {a: null}") + "---\n" + run())
    found = json.loads(once(tmp_path, "--output", "json").stdout)
    assert found["apiVersion"] == "scriptorium.dev/v1alpha1"
    assert found["metadata"]["name"] == "run-1"
    assert set(found["metadata"]) == {
        "name",
        "namespace",
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
    }
    assert found["status"]["output"] == {"a": None}
    assert found["status"]["scriptVersion"] == 1


def test_a_failed_run_shows_the_authors_line_and_makes_the_exit_code_1(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(script("const x = 1;\n    nothing.here") + "---\n" + run())
    done = once(tmp_path)
    assert done.returncode == 1
    assert "ScriptError" in done.stdout
    assert "ReferenceError" in done.stdout
    assert "2:" in done.stdout


def test_a_bad_manifest_is_named_with_file_and_line_and_makes_the_exit_code_2(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(script("return 1") + "  sauce: x\n---\n" + run())
    done = once(tmp_path)
    assert done.returncode == 2
    assert f"error: {file}:7: spec.sauce: unknown field" in done.stderr


def test_a_run_of_a_script_that_is_not_there_is_named_at_once(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(run(script="absent"))
    done = once(tmp_path)
    assert done.returncode == 2
    assert f'{file}:1: spec.scriptRef.name: there is no Script "absent"' in done.stderr


def test_a_folder_without_runs_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(script("return 1"))
    done = once(tmp_path)
    assert done.returncode == 0
    assert "no ScriptExecution found" in done.stderr


@contextmanager
def watching(folder: Path) -> Iterator["Queue[dict]"]:  # type: ignore[type-arg]
    """Run dev until the test is over; finished runs come out of the queue."""
    command = [*DEV, str(folder), "--output", "json", "--state", str(folder / "state")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    runs: Queue[dict] = Queue()  # type: ignore[type-arg]
    assert process.stdout is not None
    reader = Thread(target=lambda: [runs.put(json.loads(line)) for line in process.stdout or ()])
    reader.start()
    try:
        yield runs
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
        reader.join(timeout=10)
        process.stdout.close()


def replace(file: Path, text: str) -> None:
    """Write as editors do: the file is whole at every moment."""
    draft = file.with_suffix(".draft")
    draft.write_text(text)
    os.replace(draft, file)


def test_a_changed_script_runs_again_and_only_what_depends_on_it(tmp_path: Path) -> None:
    changing, staying = tmp_path / "a.yaml", tmp_path / "b.yaml"
    changing.write_text(script("return 1") + "---\n" + run())
    staying.write_text(script("return 'b'", "other") + "---\n" + run("run-2", "other"))
    with watching(tmp_path) as runs:
        first = {found["metadata"]["name"] for found in (runs.get(timeout=30), runs.get(timeout=30))}
        assert first == {"run-1", "run-2"}
        replace(changing, script("return 2") + "---\n" + run())
        again = runs.get(timeout=30)
        assert again["metadata"]["name"] == "run-1"
        assert again["status"]["output"] == {"value": 2}
        assert again["status"]["scriptVersion"] == 2
        assert runs.empty()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_and_leaves_no_process(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "a.yaml").write_text(script("for (;;) {}") + "---\n" + run())
    command = [*DEV, str(tmp_path), "--state", str(tmp_path / "state")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert "watching" in process.stderr.readline()
    process.send_signal(number)
    # The pipes end only when the last process that holds them is gone, workers among them.
    process.communicate(timeout=30)
    assert process.returncode == 0
