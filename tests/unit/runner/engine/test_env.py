"""What a script sees as env, and that it has no other way to it."""

import asyncio
import resource
import subprocess
import sys

import pytest

from scriptorium_api.reasons import Reason
from scriptorium_runner.engine import Program
from scriptorium_runner.engine.protocol import Request
from tests.unit.runner.engine.engines import make_engine
from tests.unit.runner.engine.processes import find_descendants, find_newest_zygote

pytestmark = pytest.mark.asyncio(loop_scope="session")

TEXT = 'it\'s "quoted" \\ \n \0 é 😀 \u2028'


async def test_a_script_sees_what_it_was_given_as_text(run):
    result = await run("return { ...env }", env={"A": "1", "TEXT": TEXT, "EMPTY": ""})
    assert result.output == {"A": "1", "TEXT": TEXT, "EMPTY": ""}


@pytest.mark.parametrize("name", ["A", "toString", "constructor", "__proto__", "hasOwnProperty"])
async def test_what_was_not_given_is_not_there(run, name):
    assert (await run(f"return [typeof env.{name}, '{name}' in env]")).output == {
        "value": ["undefined", False]
    }


@pytest.mark.parametrize("name", ["toString", "constructor", "__proto__", "then", "toJSON"])
async def test_a_name_that_means_something_to_javascript_is_a_name_like_others(run, name):
    assert (await run(f"return env.{name} + Object.keys(env)", env={name: "x"})).output == {
        "value": f"x{name}"
    }


@pytest.mark.parametrize(
    "change", ["env.A = '2'", "env.B = '2'", "delete env.A", "env = {}", "Object.setPrototypeOf(env, {})"]
)
async def test_it_cannot_be_changed(run, change):
    result = await run(f"try {{ {change} }} catch (e) {{ return [e.name, env.A] }}", env={"A": "1"})
    assert result.output == {"value": ["TypeError", "1"]}


async def test_the_next_run_in_the_same_process_sees_its_own_and_no_others(run):
    await run("return 1", owner="same", env={"A": "1", "B": "2"})
    assert (await run("return { ...env }", owner="same", env={"A": "3"})).output == {"A": "3"}
    assert (await run("return { ...env }", owner="same")).output == {}


async def test_it_may_be_as_large_as_the_api_allows(run):
    result = await run("return env.A.length", env={"A": "x" * 65536}, memory_mb=8)
    assert (result.reason, result.output) == (Reason.COMPLETED, {"value": 65536})


async def test_what_goes_wrong_does_not_tell_it(run):
    for source in ("throw new Error('no')", "null.x", "let ("):
        assert "hush" not in repr(await run(source, env={"A": "hush"}))


async def test_neither_a_program_nor_a_request_shows_it():
    assert "hush" not in repr(Program(source="", owner="a", env={"A": "hush"}))
    limits = {"timeout_seconds": 1, "memory_mb": 8, "output_kb": 1, "log_kb": 1}
    assert "hush" not in repr(Request(source="", entrypoint=None, context="{}", env="hush", **limits))


OPEN_AFTER_SEALING = """
import errno, os, socket
import resource
from scriptorium_runner.engine.seal import sealing

def is_refused(work, *arguments):
    try:
        work(*arguments)
    except OSError as error:
        return error.errno == errno.EMFILE
    return False

if os.geteuid() == 0:
    os.setuid(65532)  # As in a pod; root may raise any limit.
sealing.set_limits()
first = is_refused(os.open, "/etc/passwd", os.O_RDONLY)
os.close(0)
second = is_refused(os.open, "/etc/passwd", os.O_RDONLY)
third = is_refused(socket.socket)
try:
    resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))
    is_for_good = False
except (OSError, ValueError):
    is_for_good = True
print(first, second, third, is_for_good)
"""


async def test_a_worker_cannot_open_the_files_that_the_values_come_from():
    command = [sys.executable, "-c", OPEN_AFTER_SEALING]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    told, _ = await process.communicate()
    assert told == b"True True True True\n"


async def test_every_worker_of_an_engine_is_sealed_so():
    async with make_engine(pool_size=2, spare_workers=0):
        workers = find_descendants(find_newest_zygote())
        assert len(workers) == 2
        assert {resource.prlimit(pid, resource.RLIMIT_NOFILE) for pid in workers} == {(0, 0)}
