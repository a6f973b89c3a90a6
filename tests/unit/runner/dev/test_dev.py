"""`scriptorium dev` as a person runs it: a process of its own."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from threading import Thread, Timer

import pytest

from scriptorium_runner.history.sqlite import History
from tests.unit.runner.dev.manifests import cron, run, script

ROOT = Path(__file__).parents[4]
DEV = [sys.executable, "-m", "scriptorium_runner", "dev"]


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


#: A machine without Landlock: the zygote hears so from its kernel.
WITHOUT_LANDLOCK = """
import sys
from scriptorium_runner import __main__
from scriptorium_runner.engine.workers import zygote_start

ZYGOTE = '''
import errno
from scriptorium_runner.engine.inside import zygote
from scriptorium_runner.engine.seal import kernel

def have_none():
    raise OSError(errno.ENOSYS, "Function not implemented")

kernel.read_landlock_version = have_none
zygote.main()
'''
zygote_start.COMMAND = [sys.executable, "-I", "-c", ZYGOTE]
__main__.main(sys.argv[1:])
"""


def once_without_landlock(folder: Path, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    (folder / "a.yaml").write_text(script("return 1") + "---\n" + run())
    command = [sys.executable, "-c", WITHOUT_LANDLOCK, "dev", str(folder), "--once", *options]
    return subprocess.run(
        [*command, "--state", str(folder / "state")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | variables,
    )


def test_a_machine_that_cannot_seal_is_refused_with_the_cure(tmp_path: Path) -> None:
    done = once_without_landlock(tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "no script is run, because the sandbox lacks what it requires: landlock (" in done.stderr
    assert "--insecure-no-seal" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_machine_that_cannot_seal_runs_on_its_owners_word_alone_and_loudly(tmp_path: Path) -> None:
    done = once_without_landlock(tmp_path, "--insecure-no-seal")
    assert (done.returncode, "Succeeded" in done.stdout) == (0, True)
    assert "WARNING: --insecure-no-seal: scripts run in processes that are not sealed" in done.stderr


def test_a_machine_without_landlock_runs_where_it_is_not_required(tmp_path: Path) -> None:
    done = once_without_landlock(tmp_path, SCRIPTORIUM_REQUIRE_LANDLOCK="false")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_relaxation_that_makes_no_sense_is_refused_by_name(tmp_path: Path) -> None:
    done = once_without_landlock(tmp_path, SCRIPTORIUM_REQUIRE_LANDLOCK="no")
    assert done.returncode == 2
    assert "SCRIPTORIUM_REQUIRE_LANDLOCK must be true or false" in done.stderr


CALLS = """
apiVersion: scriptorium.dev/v1alpha1
kind: Script
metadata: { name: calls }
spec:
  source: "try { await http.get('http://8.8.8.8/'); } catch ({ code }) { return { code }; }"
  permissions: { http: { allow: [8.8.8.8] } }
---
apiVersion: scriptorium.dev/v1alpha1
kind: ScriptExecution
metadata: { name: calls-1 }
spec: { scriptRef: { name: calls } }
"""


def test_what_the_environment_says_of_http_is_so_here_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.yaml").write_text(CALLS)
    monkeypatch.setenv("SCRIPTORIUM_HTTP_DENIED_ADDRESSES", "8.8.8.0/24")
    found = json.loads(once(tmp_path, "--output", "json").stdout)
    assert found["status"]["output"] == {"code": "ADDRESS_NOT_ALLOWED"}
    monkeypatch.setenv("SCRIPTORIUM_HTTP_DENIED_ADDRESSES", "everything")
    done = once(tmp_path)
    assert done.returncode == 2
    assert "SCRIPTORIUM_HTTP_DENIED_ADDRESSES must be addresses and ranges" in done.stderr


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


WITH_KEY = """apiVersion: v1
kind: Secret
metadata: {name: payment}
stringData: {key: only-for-this-test}
"""
ENV = "  env: [{name: KEY, valueFrom: {secretKeyRef: {name: payment, key: key}}}]\n"


@pytest.mark.parametrize("output", ["table", "json"])
def test_a_secret_is_neither_shown_nor_kept_in_the_history(tmp_path: Path, output: str) -> None:
    source = "console.log(env.KEY, env.KEY); if (ctx.input.fails) throw new Error(env.KEY); return env.KEY"
    fails = run("run-2").replace("spec: {", "spec: {input: {fails: true}, ")
    (tmp_path / "a.yaml").write_text("---\n".join([WITH_KEY, script(source) + ENV, run(), fails]))
    done = once(tmp_path, "--output", output)
    assert done.returncode == 1
    assert done.stdout.count("[secret]") > 4
    assert "only-for" not in done.stdout + done.stderr
    kept = b"".join(file.read_bytes() for file in (tmp_path / "state").iterdir())
    assert b"[secret]" in kept
    assert b"only-for" not in kept


def test_a_bad_manifest_is_named_with_file_and_line_and_makes_the_exit_code_2(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(script("return 1") + "  sauce: x\n---\n" + run())
    done = once(tmp_path)
    assert done.returncode == 2
    assert f"error: {file}:7: spec.sauce: unknown field" in done.stderr


def test_a_run_that_cannot_start_is_named_at_once_and_makes_the_exit_code_1(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    suspended = script("return 1", "late") + "  suspend: true\n"
    texts = [run("run-1", "absent"), run("run-2", "late"), suspended, run("run-3"), script("return 3")]
    file.write_text("---\n".join(texts))
    done = once(tmp_path, "--output", "json")
    assert done.returncode == 1
    assert [json.loads(line)["metadata"]["name"] for line in done.stdout.splitlines()] == ["run-3"]
    absent, late = done.stderr.splitlines()
    assert absent.startswith(f'error: {file}:4: spec.scriptRef.name: there is no Script "absent"')
    assert late.startswith(f'error: {file}:9: spec.scriptRef.name: Script "late" is suspended; ')
    assert late.endswith(f"set its spec.suspend to false, at {file}:17")


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
        code = process.wait(timeout=30)
        reader.join(timeout=10)
        process.stdout.close()
    assert code == 0


def replace(file: Path, text: str) -> None:
    """Write as editors do: the file is whole at every moment."""
    draft = file.with_suffix(".draft")
    draft.write_text(text)
    os.replace(draft, file)


#: A machine whose clock is a second before the minute when the session looks at it first, and runs fast
#: from then on if the test says so.
BEFORE_THE_MINUTE = """
import sys
from datetime import UTC, datetime
from scriptorium_runner import __main__
from scriptorium_runner.dev import session

begun = []

def tell_time():
    now = datetime.now(UTC)
    begun.append(now)
    return begun[0].replace(second=59, microsecond=0) + SPEED * (now - begun[0])

session.utc_now = tell_time
__main__.main(sys.argv[1:])
"""


@contextmanager
def firing(folder: Path, speed: int = 1) -> Iterator["subprocess.Popen[str]"]:
    """Have dev running with a slot a second ahead."""
    text = BEFORE_THE_MINUTE.replace("SPEED", str(speed))
    command = [sys.executable, "-c", text, "dev", str(folder), "--state", str(folder / "state")]
    with running(command) as process:
        yield process


def test_a_slot_is_run_shown_and_remembered_like_any_run(tmp_path: Path) -> None:
    source = "return [ctx.script.type, ctx.execution.triggeredBy, ctx.execution.scheduledTime, input.a]"
    (tmp_path / "a.yaml").write_text(script(source) + "---\n" + cron(input="{a: 1}"))
    with firing(tmp_path) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        assert process.stderr.readline().startswith("nightly fires next at 20")
        assert "watching" in process.stderr.readline()
        _, line, slot, output = (process.stdout.readline() for _ in range(4))
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30) == ("", "")
    assert process.returncode == 0
    assert line.split()[1:4] == ["work", "Succeeded", "Completed"]
    with History(tmp_path / "state") as history:
        (found,) = history.read()
    assert found["metadata"]["name"] == line.split()[0]
    time = found["spec"]["firedBy"]["scheduledTime"]
    assert slot == f"  slot {time} of nightly\n"
    assert json.loads(output) == {"value": ["cron", "cron", time, 1]}
    assert found["status"]["triggeredBy"] == "Cron"


def test_a_slot_whose_script_is_missing_waits_until_it_is_there(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(cron())
    with firing(tmp_path) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        assert 'there is no Script "work"' in process.stderr.readline()
        assert process.stderr.readline().startswith("nightly fires next at ")
        assert "watching" in process.stderr.readline()
        assert re.match(
            r'nightly-\d+ waits: Script "work" does not exist in this namespace; apply it',
            process.stderr.readline(),
        )
        replace(tmp_path / "b.yaml", script("return 1"))
        assert process.stderr.readline() == f"added {tmp_path}/b.yaml: nothing to run again\n"
        _, line = (process.stdout.readline() for _ in range(2))
    assert line.split()[1:4] == ["work", "Succeeded", "Completed"]


def test_a_run_that_a_later_slot_replaces_is_cancelled_and_says_why(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(script("for (;;) {}") + "---\n" + cron(concurrencyPolicy="Replace"))
    with firing(tmp_path, speed=30) as process:
        assert process.stdout is not None
        rows = [process.stdout.readline() for _ in range(4)]
    name = rows[1].split()[0]
    following = f"nightly-{int(name.removeprefix('nightly-')) + 1}"
    assert rows[1].split()[1:4] == ["work", "Cancelled", "Cancelled"]
    assert f"{following} takes its place" in rows[3]


def test_a_schedule_that_is_removed_stops_its_run(tmp_path: Path) -> None:
    quick = [script("return 1", "quick"), cron("quick", scriptRef="{name: quick}")]
    (tmp_path / "a.yaml").write_text("---\n".join([script("for (;;) {}"), *quick]))
    file = tmp_path / "b.yaml"
    file.write_text(cron())
    with firing(tmp_path) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        assert [process.stderr.readline().split()[0] for _ in range(3)] == ["quick", "nightly", "watching"]
        # Both slots come at once, so the endless run is there when the other has ended.
        assert [process.stdout.readline().split()[0][:5] for _ in range(2)] == ["NAME", "quick"]
        file.unlink()
        assert process.stderr.readline() == f"removed {file}: nothing to run again\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")


def test_once_tells_when_schedules_fire_and_does_not_wait(tmp_path: Path) -> None:
    idle = cron("idle", suspend="true")
    texts = [script("return 1"), run(), cron(schedule="0 0 1 1 *", timeZone="Asia/Kolkata"), idle]
    (tmp_path / "a.yaml").write_text("---\n".join(texts))
    done = once(tmp_path, "--output", "json")
    assert done.returncode == 0
    assert [json.loads(line)["metadata"]["name"] for line in done.stdout.splitlines()] == ["run-1"]
    first, second = done.stderr.splitlines()
    assert re.fullmatch(
        r"nightly fires next at \d{4}-01-01T00:00:00\+05:30; --once does not wait for it", first
    )
    assert second == "idle is suspended: its slots are skipped until its spec.suspend is false"


def test_a_run_of_what_a_schedule_runs_is_run_now(tmp_path: Path) -> None:
    inline = cron(scriptRef="", script="{source: return input.days + 1}", input="{days: 1}")
    now = run("now").replace("scriptRef: {name: work}", "cronScriptRef: {name: nightly}")
    (tmp_path / "a.yaml").write_text(inline + "---\n" + now)
    found = json.loads(once(tmp_path, "--output", "json").stdout)
    assert found["spec"]["cronScriptRef"] == {"name": "nightly"}
    assert found["status"]["output"] == {"value": 2}
    assert found["status"]["triggeredBy"] == "Manual"
    assert once(tmp_path).stdout.splitlines()[1].split()[:3] == ["now", "<nightly>", "Succeeded"]


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


def test_a_run_that_is_changed_while_it_runs_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(script("return 1", "quick") + "---\n" + run("run-0", "quick"))
    endless, ending = tmp_path / "b.yaml", script("return 2") + "---\n" + run()
    with watching(tmp_path) as runs:
        assert runs.get(timeout=30)["metadata"]["name"] == "run-0"
        replace(endless, script("for (;;) {}") + "---\n" + run())
        replace(file, script("return 'b'", "quick") + "---\n" + run("run-0", "quick"))
        assert runs.get(timeout=30)["metadata"]["name"] == "run-0"
        replace(endless, ending)
        assert runs.get(timeout=30)["status"]["output"] == {"value": 2}
        assert runs.empty()


def test_a_broken_file_is_told_and_nothing_runs_again_when_it_is_mended(tmp_path: Path) -> None:
    file, whole = tmp_path / "a.yaml", script("return 1") + "---\n" + run()
    file.write_text(whole)
    with started(tmp_path) as process:
        assert process.stderr is not None
        assert "watching" in process.stderr.readline()
        replace(file, "kind: [")
        assert process.stderr.readline() == f"changed {file}\n"
        assert process.stderr.readline().startswith(f"error: {file}:1: not YAML: ")
        replace(file, whole)
        assert process.stderr.readline() == f"changed {file}: nothing to run again\n"
        file.unlink()
        assert process.stderr.readline() == f"removed {file}: nothing to run again\n"
        assert "no ScriptExecution found" in process.stderr.readline()


@contextmanager
def started(folder: Path, *options: str, python: tuple[str, ...] = ()) -> Iterator["subprocess.Popen[str]"]:
    """Have dev running, as from a terminal: a process group of its own; it is gone after the test."""
    with running(
        [DEV[0], *python, *DEV[1:], str(folder), "--state", str(folder / "state"), *options]
    ) as process:
        yield process


@contextmanager
def running(command: list[str]) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    deadline = Timer(60, process.kill)
    deadline.start()
    with process:
        try:
            yield process
        finally:
            deadline.cancel()
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_and_leaves_no_process(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "a.yaml").write_text(script("for (;;) {}") + "---\n" + run())
    with started(tmp_path) as process:
        assert process.stderr is not None
        assert "watching" in process.stderr.readline()
        # As a terminal does: to the whole group.
        os.killpg(process.pid, number)
        # The pipes end only when the last process that holds them is gone, workers among them.
        output, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert output == ""
    assert errors == "interrupted: 1 run had not ended\n"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_runs_are_open_is_the_exit_code_of_once(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    endless = [script("for (;;) {}"), *(run(f"run-{count}") for count in range(5))]
    (tmp_path / "a.yaml").write_text(
        "---\n".join([script("return 1", "quick"), run("run-q", "quick"), *endless])
    )
    with started(tmp_path, "--once", "--output", "json") as process:
        assert process.stdout is not None
        assert "run-q" in process.stdout.readline()
        # As a terminal does: to the whole group.
        os.killpg(process.pid, number)
        output, errors = process.communicate(timeout=30)
    assert process.returncode == code
    assert output == ""
    assert errors == "interrupted: 5 runs had not ended\n"


@pytest.mark.parametrize("options", [(), ("--once",), ("--once", "--output", "json")])
def test_output_that_nobody_reads_ends_it_quietly(tmp_path: Path, options: tuple[str, ...]) -> None:
    (tmp_path / "a.yaml").write_text(script("return 1") + "---\n" + run())
    with started(tmp_path, *options) as process:
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 141
    assert errors in ("", "watching for changes; Ctrl-C stops\n")


def test_output_that_has_no_room_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(script("return 1") + "---\n" + run())
    command = [*DEV, str(tmp_path), "--once", "--state", str(tmp_path / "state")]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False
        )
    assert done.returncode == 2
    assert done.stderr == "error: cannot write to <stdout>: No space left on device\n"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["{folder}/absent"], "error: {folder}/absent: no such file or folder"),
        (
            ["{folder}", "--state", "{folder}/file"],
            "error: cannot keep the history in {folder}/file/history.sqlite",
        ),
        (["{folder}", "--state", "{folder}/broken"], "file is not a database; mend or remove it"),
        (["{folder}", "--workers", "0"], "argument --workers: 0 is not a whole number from 1 to 100"),
    ],
)
def test_an_option_that_cannot_be_followed_is_told_and_makes_the_exit_code_2(
    tmp_path: Path, options: list[str], words: str
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "history.sqlite").write_text(
        "no database, and long enough to tell that it is none"
    )
    command = [*DEV, *(option.format(folder=tmp_path) for option in options)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert words.format(folder=tmp_path) in done.stderr
    assert "Traceback" not in done.stderr


def test_many_runs_are_told_in_the_order_of_the_files(tmp_path: Path) -> None:
    names = [f"run-{number:03}" for number in range(300)]
    (tmp_path / "a.yaml").write_text(script("return 1"))
    for name in names:
        (tmp_path / f"{name}.yaml").write_text(run(name))
    done = once(tmp_path, "--workers", "1")
    assert done.returncode == 0, done.stderr
    rows = [line.split()[0] for line in done.stdout.splitlines() if not line.startswith(" ")]
    assert rows == ["NAME", *names]


def test_runs_of_one_name_are_told_apart_by_their_namespace(tmp_path: Path) -> None:
    texts = [
        text
        for namespace in ("default", "other")
        for text in (script("return ctx.script.name", namespace=namespace), run(namespace=namespace))
    ]
    (tmp_path / "a.yaml").write_text("---\n".join(texts))
    done = once(tmp_path)
    rows = {line.split()[0] for line in done.stdout.splitlines()[1:] if not line.startswith(" ")}
    assert rows == {"run-1", "other/run-1"}


def test_a_signal_while_it_starts_ends_it_like_any_program(tmp_path: Path) -> None:
    with started(tmp_path, python=("-X", "importtime")) as process:
        assert process.stderr is not None
        while "asyncio" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    # A slow test may find it listening already.
    assert process.returncode in (-signal.SIGINT, 0)
    assert "Traceback" not in errors
