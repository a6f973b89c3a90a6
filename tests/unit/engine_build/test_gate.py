"""An engine that is not much faster than the wheel's is not shipped, and whoever builds is told why."""

import subprocess
import sys
from pathlib import Path

import pytest

from engine_build import gate
from scriptorium_runner.engine.inside import native

ROOT = Path(__file__).parents[3]
WHEEL = Path(native.LIBRARY).parent

BURNER = """
import time

class Context:
    def eval(self, source):
        end = time.process_time() + {seconds}
        while time.process_time() < end:
            pass
        return {answer}
"""


def make_engine(folder: Path, code: str) -> Path:
    """Make a stand-in for the engine's module."""
    folder.mkdir()
    (folder / "_quickjs.py").write_text(code)
    return folder


def make_burner(folder: Path, seconds: float, answer: int = 256782) -> Path:
    """Make an engine for which every script takes so much CPU time."""
    return make_engine(folder, BURNER.format(seconds=seconds, answer=answer))


def pass_gate(stock: Path, built: Path) -> subprocess.CompletedProcess[str]:
    """Run the gate as an image's build does."""
    command = [sys.executable, "-m", "engine_build.gate", str(stock), str(built)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_an_engine_that_is_fast_enough_passes(tmp_path):
    done = pass_gate(make_burner(tmp_path / "stock", 0.06), make_burner(tmp_path / "built", 0.02))
    assert (done.returncode, done.stderr) == (0, "")
    assert "60.0 ms as delivered, 20.0 ms rebuilt, 3.00 times as fast" in done.stdout


def test_the_wheel_against_itself_fails_and_says_what_to_do():
    done = pass_gate(WHEEL, WHEEL)
    assert done.returncode == 1
    assert "1.8 is the least" in done.stderr
    assert "build with gcc 12 (Debian 12) or clang (CC=clang)" in done.stderr
    assert "ENGINE=wheel" in done.stderr


def test_somewhat_faster_is_not_enough(tmp_path):
    done = pass_gate(make_burner(tmp_path / "stock", 0.034), make_burner(tmp_path / "built", 0.02))
    assert done.returncode == 1
    assert "1.70 times as fast" in done.stderr


@pytest.mark.parametrize(("ratio", "ships"), [(1.0, False), (1.79, False), (1.8, True), (3.0, True)])
def test_the_border_is_where_the_message_says(ratio, ships):
    assert gate.is_worth_it(ratio) == ships


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        (BURNER.format(seconds=0, answer=256781), "the loop came to 256781, not to 256782"),
        ("raise ImportError('GLIBC_2.38 not found')", "GLIBC_2.38 not found"),
        ("import os; os.abort()", "does not run here"),
    ],
)
def test_a_fast_engine_that_does_not_work_fails_too(tmp_path, code, cause):
    done = pass_gate(make_burner(tmp_path / "stock", 0.02), make_engine(tmp_path / "built", code))
    assert done.returncode == 1
    assert cause in done.stderr
    assert "does not run here" in done.stderr


def test_the_loop_is_what_it_is_said_to_come_to():
    assert native.Context().eval(gate._LOOP) == gate._ANSWER
