"""Each layer of the seal alone, and what an engine does that lacks one."""

import os
import subprocess
import sys

import pytest

from scriptorium_runner.engine import Engine, EngineSettings, Layer, Seal, SealMissing
from scriptorium_runner.engine.seal import landlock, layers
from scriptorium_runner.engine.workers import zygote_start
from tests.unit.runner.engine.engines import make_engine, run
from tests.unit.runner.engine.processes import find_newest_zygote, list_children

FAULTY = """
import errno, platform
from scriptorium_runner.engine.inside import zygote
from scriptorium_runner.engine.seal import environment, kernel, system_calls

def refuse(*_):
    raise OSError(errno.EPERM, "Operation not permitted")

{fault}
zygote.main()
"""
FAULTS = {
    Layer.LANDLOCK: ["kernel.read_landlock_version = refuse", "kernel.restrict_by_landlock = refuse"],
    Layer.SECCOMP: [
        "kernel.install_filter = refuse",
        "kernel.install_filter = lambda *_: None",
        "system_calls.build_filter = lambda: None",
        "system_calls.build_filter = lambda: b''",
    ],
    Layer.NO_NEW_PRIVILEGES: ["kernel.forbid_new_privileges = refuse"],
    Layer.NOT_DUMPABLE: ["kernel.forbid_dumps = refuse"],
    Layer.ENVIRONMENT: ["environment.is_wiped = lambda: False"],
    Layer.RESOURCE_LIMITS: [
        "import resource\\nfrom scriptorium_runner.engine.seal import sealing\\nresource.setrlimit = refuse",
    ],
}
CASES = [(layer, fault) for layer, faults in FAULTS.items() for fault in faults]


def spoil(monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    code = FAULTY.format(fault=fault.replace("\\n", "\n"))
    monkeypatch.setattr(zygote_start, "COMMAND", [sys.executable, "-I", "-c", code])


@pytest.mark.parametrize(("layer", "fault"), CASES)
async def test_an_engine_that_lacks_a_layer_does_not_start_and_says_which(monkeypatch, layer, fault):
    spoil(monkeypatch, fault)
    before = list_children(os.getpid())
    with pytest.raises(SealMissing, match=rf"the sandbox lacks what it requires: {layer} \("):
        await Engine(EngineSettings(pool_size=1)).start()
    # Its zygote; other tests' engines may fork workers at any moment.
    assert list_children(os.getpid()) == before


@pytest.mark.parametrize("fault", FAULTS[Layer.LANDLOCK])
async def test_landlock_alone_can_be_gone_without(monkeypatch, fault):
    spoil(monkeypatch, fault)
    async with make_engine(pool_size=1, seal=Seal.LANDLOCK_OPTIONAL) as engine:
        assert (await run(engine)).output == {"value": 1}
        assert [layer for layer, is_active in engine.layers().items() if not is_active] == [Layer.LANDLOCK]


async def test_the_others_cannot(monkeypatch):
    spoil(monkeypatch, "kernel.install_filter = refuse")
    with pytest.raises(SealMissing):
        await Engine(EngineSettings(pool_size=1, seal=Seal.LANDLOCK_OPTIONAL)).start()


async def test_an_engine_has_all_layers_and_says_so(caplog):
    caplog.set_level("INFO")
    async with make_engine(pool_size=1) as engine:
        assert engine.layers() == dict.fromkeys(Layer, True)
    (record,) = [record for record in caplog.records if record.message == "sandbox ready"]
    assert (record.layers, record.missing) == (list(Layer), {})
    assert record.landlockVersion >= 1


async def test_an_engine_that_is_told_not_to_seal_says_what_is_missing():
    async with make_engine(pool_size=1, seal=Seal.NONE) as engine:
        assert {layer for layer, is_active in engine.layers().items() if not is_active} == layers.NOT_SEALED
        assert (await run(engine)).output == {"value": 1}


def test_the_refusal_names_layers_causes_and_cures():
    text = layers.describe_refusal({Layer.LANDLOCK: "none", Layer.ENVIRONMENT: "left"})
    assert "landlock (none), environment (left)" in text
    assert "sandbox.requireLandlock" in text
    assert "--insecure-no-seal" in text


RIGHTS = {1: (13,), 2: (14,), 3: (15,), 4: (15, 2), 5: (16, 2), 6: (16, 2, 2), 9: (16, 2, 2)}


@pytest.mark.parametrize(("version", "sizes"), RIGHTS.items())
def test_every_right_that_a_version_of_landlock_knows_is_given_up(version, sizes):
    assert landlock.list_rights(version) == tuple((1 << size) - 1 for size in sizes)


LANDLOCK_ALONE = """
import errno, os, socket
from scriptorium_runner.engine.seal import kernel, landlock

listening = socket.create_server(("127.0.0.1", 0))
hidden = socket.socket(socket.AF_UNIX)
hidden.bind("\\0scriptorium-test-%d" % os.getpid())
hidden.listen()
version = kernel.read_landlock_version()
kernel.forbid_new_privileges()
kernel.restrict_by_landlock(landlock.list_rights(version))

def attempt(work, *arguments):
    try:
        work(*arguments)
    except OSError as error:
        return errno.errorcode[error.errno]
    return "done"

print(version, attempt(os.open, "/etc/passwd", os.O_RDONLY), attempt(os.listdir, "/"),
    attempt(os.mkdir, "/tmp/of-a-sealed-worker"), attempt(os.execv, "/bin/true", ["true"]),
    attempt(socket.create_connection, listening.getsockname()), attempt(os.kill, os.getppid(), 0))
"""


def test_landlock_alone_refuses_files_programs_tcp_and_signals():
    done = subprocess.run([sys.executable, "-c", LANDLOCK_ALONE], capture_output=True, text=True, check=True)
    version, *answers = done.stdout.split()
    assert answers[:4] == ["EACCES"] * 4
    assert answers[4] == ("EACCES" if int(version) >= 4 else "done")
    assert answers[5] == ("EPERM" if int(version) >= 6 else "done")


NOT_DUMPABLE = """
import ctypes
from scriptorium_runner.engine.seal import kernel

kernel.forbid_dumps()
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
"""


def test_a_process_that_forbids_dumps_is_not_dumpable():
    done = subprocess.run([sys.executable, "-c", NOT_DUMPABLE], capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"


WIPED = """
import os
from scriptorium_runner.engine.seal import environment

before = environment.is_wiped()
environment.wipe()
with open("/proc/self/environ", "rb") as environ, open("/proc/self/mem", "rb") as memory:
    text = environ.read()
    with open("/proc/self/maps") as maps:
        stack = next(line for line in maps if "[stack]" in line).split()[0].split("-")
    memory.seek(int(stack[0], 16))
    held = memory.read(int(stack[1], 16) - int(stack[0], 16))
print(before, environment.is_wiped(), text.strip(bytes(1)), b"very-" + b"secret" in held, dict(os.environ))
"""


def test_a_wiped_environment_is_gone_from_the_process_own_memory():
    command = [sys.executable, "-c", WIPED]
    variables = {"TOKEN": "very-secret"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=variables)
    assert done.stdout == "False True b'' False {}\n"


async def test_the_zygote_has_no_environment_either():
    async with make_engine(pool_size=1):
        with open(f"/proc/{find_newest_zygote()}/environ", "rb") as environ:  # noqa: ASYNC230
            assert environ.read().strip(b"\0") == b""
