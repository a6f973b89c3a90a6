"""Native code in a worker: every way out of it is refused or ends it, and nobody else notices."""

import asyncio
import os
import platform
import resource
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from scriptorium_api.reasons import Reason
from scriptorium_runner.engine import Engine, EngineSettings, Limits, Program, Result
from scriptorium_runner.engine.workers import zygote_start
from tests.unit.runner.engine.processes import (
    find_descendants,
    find_newest_zygote,
    find_running,
    seen_by_root,
    wait_until,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

BREACHED = Path(__file__).parent / "breached_zygote.py"

Attack = Callable[..., Awaitable[Result]]


@pytest_asyncio.fixture(name="breached", scope="session", loop_scope="session")
async def make_breached_engine() -> AsyncIterator[Engine]:
    """Give an engine whose workers run Python under the seal."""
    engine = Engine(EngineSettings(pool_size=2, spare_workers=1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zygote_start, "COMMAND", [*zygote_start.COMMAND[:2], str(BREACHED)])
        await engine.start()
    zygote = find_newest_zygote()
    yield engine
    assert zygote in find_running(), "the zygote was ended"
    await engine.shutdown()
    assert not {zygote, *find_descendants(zygote)} & find_running()


@pytest.fixture(name="attack")
def make_attack(breached: Engine) -> Attack:
    """Give a way to run Python in a sealed worker; supervisor and next run must be unharmed by it."""

    async def attack(source: str, **limits: float) -> Result:
        program = Program(source=source, owner="attacker")
        result = await breached.execute(program, {}, Limits(**({"timeout_seconds": 20} | limits)))
        assert breached.is_working
        after = await breached.execute(Program(source="answer = 'clean'", owner="victim"), {}, Limits())
        assert after.output == {"answer": "clean"}
        return result

    return attack


#: The column of a call's number.
_COLUMN = 0 if platform.machine() == "x86_64" else 1
_EPERM = -1
_ENDED = "its worker was ended because it asked the operating system for what no script needs"

#: What ends the worker: the numbers on x86_64 and aarch64, then the arguments as Python.
FATAL = {
    "openat2": (437, 437, "-100, b'/etc/passwd', struct.pack('QQQ', 0, 0, 0), 24"),
    "a TCP socket": (41, 198, "2, 1, 0"),
    "a UDP socket": (41, 198, "2, 2, 0"),
    "a Unix socket": (41, 198, "1, 1, 0"),
    "a vsock": (41, 198, "40, 1, 0"),
    "a netlink socket": (41, 198, "16, 3, 0"),
    "a packet socket": (41, 198, "17, 3, 0"),
    "socketpair": (53, 199, "1, 1, 0, bytes(8)"),
    "connect": (42, 203, "3, bytes(16), 16"),
    "bind": (49, 200, "3, bytes(16), 16"),
    "accept4": (288, 242, "3, 0, 0, 0"),
    "sendmsg with descriptors": (46, 211, "3, bytes(56), 0"),
    "recvmsg": (47, 212, "3, bytes(56), 0"),
    "shutdown of the channel": (48, 210, "3, 2"),
    "setsockopt": (54, 208, "3, 1, 7, bytes(4), 4"),
    "execve": (59, 221, "b'/bin/sh', 0, 0"),
    "execveat": (322, 281, "-100, b'/bin/sh', 0, 0, 0"),
    "clone": (56, 220, "17, 0, 0, 0, 0"),
    "clone3": (435, 435, "bytes(88), 88"),
    "a thread": (56, 220, "0x10f00, 0, 0, 0, 0"),
    "ptrace": (101, 117, "16, os_parent, 0, 0"),
    "process_vm_readv": (310, 270, "os_parent, bytes(16), 1, bytes(16), 1, 0"),
    "process_vm_writev": (311, 271, "os_parent, bytes(16), 1, bytes(16), 1, 0"),
    "kill the zygote": (62, 129, "os_parent, 9"),
    "kill the supervisor": (62, 129, "os_supervisor, 9"),
    "kill all": (62, 129, "-1, 9"),
    "tkill": (200, 130, "os_parent, 9"),
    "rt_sigqueueinfo": (129, 138, "os_parent, 9, bytes(128)"),
    "pidfd_open": (434, 434, "os_parent, 0"),
    "pidfd_send_signal": (424, 424, "3, 9, 0, 0"),
    "pidfd_getfd": (438, 438, "3, 0, 0"),
    "memfd_create": (319, 279, "b'code', 0"),
    "io_uring_setup": (425, 425, "8, bytes(120)"),
    "io_uring_enter": (426, 426, "3, 1, 0, 0, 0"),
    "io_uring_register": (427, 427, "3, 0, 0, 0"),
    "bpf": (321, 280, "5, bytes(120), 120"),
    "perf_event_open": (298, 241, "bytes(120), 0, -1, -1, 0"),
    "userfaultfd": (323, 282, "0"),
    "unshare": (272, 97, "0x10000000"),
    "setns": (308, 268, "3, 0"),
    "mount": (165, 40, "b'proc', b'/mnt', b'proc', 0, 0"),
    "umount": (166, 39, "b'/tmp', 2"),
    "fsopen": (430, 430, "b'proc', 0"),
    "open_tree": (428, 428, "-100, b'/', 0"),
    "pivot_root": (155, 41, "b'/', b'/'"),
    "chroot": (161, 51, "b'/'"),
    "keyctl": (250, 219, "0, -3, 0"),
    "add_key": (248, 217, "b'user', b'a', b'b', 1, -3"),
    "request_key": (249, 218, "b'user', b'a', 0, -3"),
    "setuid": (105, 146, "0"),
    "setgid": (106, 144, "0"),
    "setresuid": (117, 147, "0, 0, 0"),
    "setgroups": (116, 159, "0, 0"),
    "capset": (126, 91, "struct.pack('Ii', 0x20080522, 0), bytes(24)"),
    "seccomp": (317, 277, "0, 0, 0"),
    "landlock_create_ruleset": (444, 444, "0, 0, 1"),
    "setrlimit": (160, 164, "9, struct.pack('QQ', 2**63, 2**63)"),
    "personality": (135, 92, "0x0400000"),
    "shmget": (29, 194, "1, 4096, 0o1777"),
    "mq_open": (240, 180, "b'queue', 0x42, 0o600, 0"),
    "splice": (275, 76, "4, 0, 3, 0, 100, 0"),
    "vmsplice": (278, 75, "5, bytes(16), 1, 0"),
    "tee": (276, 77, "4, 5, 100, 0"),
    "sendfile": (40, 71, "3, 4, 0, 10"),
    "dup3": (292, 24, "3, 60, 0"),
    "pipe2": (293, 59, "bytes(8), 0"),
    "eventfd2": (290, 19, "0, 0"),
    "epoll_create1": (291, 20, "0"),
    "inotify_init1": (294, 26, "0"),
    "fanotify_init": (300, 262, "0, 0"),
    "timer_create": (222, 107, "1, 0, bytes(8)"),
    "timerfd_create": (283, 85, "1, 0"),
    "open_by_handle_at": (304, 265, "-100, bytes(16), 0"),
    "name_to_handle_at": (303, 264, "-100, b'/', bytes(128), bytes(8), 0"),
    "unlinkat": (263, 35, "-100, b'/tmp/x', 0"),
    "mkdirat": (258, 34, "-100, b'/tmp/x', 0o700"),
    "mknodat": (259, 33, "-100, b'/tmp/x', 0o20666, 259"),
    "symlinkat": (266, 36, "b'/etc', -100, b'/tmp/x'"),
    "renameat2": (316, 276, "-100, b'/a', -100, b'/b', 0"),
    "fchmodat": (268, 53, "-100, b'/tmp', 0o777"),
    "truncate": (76, 45, "b'/tmp/x', 0"),
    "init_module": (175, 105, "0, 0, b''"),
    "reboot": (169, 142, "0, 0, 0, 0"),
    "syslog": (103, 116, "3, bytes(64), 64"),
    "move_pages": (279, 239, "0, 0, 0, 0, 0, 0"),
    "process_madvise": (440, 440, "3, bytes(16), 1, 0, 0"),
    "pkey_mprotect": (329, 288, "0, 4096, 7, -1"),
    "remap_file_pages": (216, 234, "0, 4096, 0, 0, 0"),
    "mlockall": (151, 230, "3"),
    "pwrite to the channel": (18, 68, "3, b'x', 1, 0"),
    "writev": (20, 66, "3, bytes(16), 1"),
    "readv": (19, 65, "3, bytes(16), 1"),
    "sched_setaffinity": (203, 122, "0, 8, bytes(8)"),
    "setpriority": (141, 140, "0, 0, -20"),
    "memory that is code": (9, 222, "0, 4096, 7, 0x22, -1, 0"),
    "memory that becomes code": (10, 226, "0, 4096, 5"),
    "memory that grows downwards": (9, 222, "0, 4096, 3, 0x122, -1, 0"),
    "memory at a fixed place": (9, 222, "4096, 4096, 3, 0x32, -1, 0"),
    "shared memory": (9, 222, "0, 4096, 3, 0x21, -1, 0"),
    "a file's memory": (9, 222, "0, 4096, 1, 2, 3, 0"),
    "a call that no kernel has": (1_000_000, 1_000_000, ""),
}

#: What fails, and the worker goes on.
REFUSED = {
    "openat": (257, 56, "-100, b'/etc/passwd', 0"),
    "openat of its environment": (257, 56, "-100, b'/proc/self/environ', 0"),
    "openat of its memory": (257, 56, "-100, b'/proc/self/mem', 2"),
    "openat of its descriptors": (257, 56, "-100, b'/proc/self/fd/3', 2"),
    "openat of process 1": (257, 56, "-100, b'/proc/1/environ', 0"),
    "openat of the zygote": (257, 56, "-100, b'/proc/%d/mem' % os_parent, 2"),
    "openat of the supervisor": (257, 56, "-100, b'/proc/%d/environ' % os_supervisor, 0"),
    "openat of the token": (257, 56, "-100, b'/var/run/secrets/kubernetes.io/serviceaccount/token', 0"),
    "openat of the values": (257, 56, "-100, b'/run/scriptorium/values', 0"),
    "openat of a device": (257, 56, "-100, b'/dev/null', 2"),
    "stat": (262, 79, "-100, b'/etc/passwd', bytes(144), 0"),
    "readlink": (267, 78, "-100, b'/proc/self/exe', bytes(64), 64"),
    "access": (269, 48, "-100, b'/etc', 0"),
    "getdents": (217, 61, "3, bytes(64), 64"),
    "a signal to a thread of the zygote": (234, 131, "os_parent, os_parent, 9"),
    "a signal to the supervisor's": (234, 131, "os_supervisor, os_supervisor, 9"),
    "PR_SET_DUMPABLE": (157, 167, "4, 1, 0, 0, 0"),
    "PR_SET_PDEATHSIG": (157, 167, "1, 0, 0, 0, 0"),
    "PR_SET_SECCOMP": (157, 167, "22, 0, 0, 0, 0"),
    "PR_SET_PTRACER": (157, 167, "0x59616d61, -1, 0, 0, 0"),
    "PR_CAP_AMBIENT": (157, 167, "47, 2, 21, 0, 0"),
    "PR_SET_MM": (157, 167, "35, 1, 0, 0, 0"),
    "TIOCSTI": (16, 29, "0, 0x5412, b'x'"),
    "TIOCSTI on the channel": (16, 29, "3, 0x5412, b'x'"),
    "FIONBIO on the console's pipe": (16, 29, "4, 0x5421, bytes(4)"),
    "F_SETFL on the supervisor's end of the pipe": (72, 25, "4, 4, 0"),
    "F_SETFL on the pipe": (72, 25, "5, 4, 0"),
    "F_DUPFD": (72, 25, "3, 0, 10"),
    "F_SETOWN": (72, 25, "3, 8, os_parent"),
    "F_SETPIPE_SZ of a larger number": (72, 25, "(5 << 32) | 4, 1031, 65536"),
    "dup": (32, 23, "3"),
    "close of the channel": (3, 57, "3"),
    "write to standard output": (1, 64, "1, b'x', 1"),
    "write to standard error": (1, 64, "2, b'x', 1"),
    "write to the read end": (1, 64, "4, b'x', 1"),
    "write to a descriptor that was the zygote's": (1, 64, "6, b'x', 1"),
    "write far beyond": (1, 64, "1000, b'x', 1"),
    "read of standard input": (0, 63, "0, bytes(8), 8"),
    "a message to an address": (44, 206, "3, b'x', 1, 0, bytes(16), 16"),
    "a message to another descriptor": (44, 206, "5, b'x', 1, 0, 0, 0"),
    "whom a message is from": (45, 207, "3, bytes(8), 0, 0x40, bytes(16), bytes(4)"),
    "data out of band": (44, 206, "3, b'x', 1, 1, 0, 0"),
    "reading data out of band": (45, 207, "3, bytes(1), 1, 1, 0, 0"),
    "peeking": (45, 207, "3, bytes(1), 1, 2, 0, 0"),
    "an address in the high half": (44, 206, "3, b'x', 1, 0, 1 << 32, 16"),
    "more address space": (302, 261, "0, 9, struct.pack('QQ', 2**63, 2**63), 0"),
    "more descriptors": (302, 261, "0, 7, struct.pack('QQ', 64, 64), 0"),
    "limits of the supervisor": (302, 261, "os_supervisor, 7, struct.pack('QQ', 0, 0), 0"),
    "ignoring SIGXCPU": (13, 134, "24, struct.pack('QQQQ', 1, 0, 0, 0), 0, 8"),
    "blocking SIGALRM": (14, 135, "0, struct.pack('Q', 1 << 13), 0, 8"),
    "a futex that is moved": (202, 98, "bytes(4), 3, 1, 1, bytes(4), 0"),
    "a futex with priorities": (202, 98, "bytes(4), 6, 0, 0, 0, 0"),
    "the supervisor's clock": (228, 113, "(~os_supervisor << 3) | 2, bytes(16)"),
    "what its children used": (98, 165, "-1, bytes(144)"),
    "memory moved onto other memory": (25, 216, "0, 4096, 4096, 3, 4096"),
    "advice on memory": (28, 233, "0, 4096, 100"),
    "another timer": (38, 103, "1, struct.pack('4q', 0, 1, 0, 1), 0"),
    "its own number": (39, 172, ""),
    "the kernel's name": (63, 160, "bytes(390)"),
}


def write_source(numbers: tuple[int, int, str]) -> str:
    arguments = numbers[2].replace("os_parent", str(find_newest_zygote()))
    arguments = arguments.replace("os_supervisor", str(os.getpid()))
    return f"answer = call({numbers[_COLUMN]}, {arguments})"


@pytest.mark.parametrize("numbers", FATAL.values(), ids=FATAL)
async def test_what_no_engine_needs_ends_the_worker(attack, numbers):
    result = await attack(write_source(numbers))
    assert result.reason is Reason.ENGINE_CRASH
    assert result.error.message == f"the JavaScript engine ended unexpectedly: {_ENDED}"


@pytest.mark.parametrize("numbers", REFUSED.values(), ids=REFUSED)
async def test_what_a_library_may_try_is_refused(attack, numbers):
    result = await attack(write_source(numbers))
    assert (result.reason, result.output) == (Reason.COMPLETED, {"answer": _EPERM})


#: As Python's own library does it, on the way that a real attack would take.
IN_PYTHON = {
    "os.fork": "os.fork()",
    "os.execv": "os.execv('/bin/sh', ['sh', '-c', 'echo x > /tmp/escaped'])",
    "os.posix_spawn": "os.posix_spawn('/bin/sh', ['sh'], {})",
    "os.kill": "os.kill(1, 9)",
    "memfd and exec": "os.execv(os.memfd_create('a'), ['a'])",
    "os.pidfd_open": "os.pidfd_open(1)",
    "os.setuid": "os.setuid(0)",
    "os.chroot": "os.chroot('/')",
    "os.mkfifo": "os.mkfifo('/tmp/fifo')",
    "os.remove": "os.remove('/tmp/x')",
    "os.nice": "os.nice(-5)",
    "os.pipe": "os.pipe()",
}


@pytest.mark.parametrize("source", IN_PYTHON.values(), ids=IN_PYTHON)
async def test_pythons_own_functions_end_the_worker(attack, source):
    result = await attack(source)
    assert (result.reason, result.error.message.rpartition(": ")[2]) == (Reason.ENGINE_CRASH, _ENDED)


@pytest.mark.parametrize(
    "source",
    [
        "open('/etc/hostname')",
        "os.listdir('/')",
        "os.stat('/')",
        "import sqlite3",
        "os.readlink('/proc/self/exe')",
    ],
)
async def test_pythons_own_files_are_refused(attack, source):
    result = await attack(source)
    assert "PermissionError" in result.output["raised"] or "ModuleNotFoundError" in result.output["raised"]


@pytest.mark.skipif(platform.machine() != "x86_64", reason="other machines have no x32")
@pytest.mark.parametrize("number", [0, 1, 39, 520, 521])
async def test_calls_by_the_numbers_of_x32_end_the_worker(attack, number):
    result = await attack(f"answer = call({0x4000_0000 | number}, 3, bytes(8), 1)")
    assert result.error.message.endswith(_ENDED)


async def test_what_a_worker_needs_still_works(attack):
    source = """
numbers = [len(os.urandom(16)), len(bytearray(30_000_000)), os.times is not None]
numbers.append(time.clock_gettime(time.CLOCK_MONOTONIC) > 0)
answer = [numbers, time.process_time() > 0, os.write(5, b'x') == 1, os.read(4, 1).decode()]
"""
    assert (await attack(source)).output == {"answer": [[16, 30_000_000, True, True], True, True, "x"]}


async def test_memory_beyond_the_limit_is_refused_to_native_code_too(attack):
    result = await attack("answer = len(bytearray(500 * 1024 * 1024))", memory_mb=64)
    assert "MemoryError" in result.output["raised"]


#: It answers by itself, with its number, stops the timer that would end it, and goes on computing.
COMPUTES_ON = r"""
head = b'{"end":"value","size":0,"usage":{"cpu":0,"cpu_total":0,"peak":0},"text":""'
report = head + b',"name":"","message":"","stack":""}\n{"answer":%d}' % os.getpid()
call(SETITIMER, 0, bytes(32), 0)
os.write(3, struct.pack('!IB', len(report) + 1, ord('D')) + report)
while True:
    pass
"""


async def test_a_worker_that_computes_after_its_answer_is_ended_by_the_kernel(breached, attack):
    source = COMPUTES_ON.replace("SETITIMER", str((38, 103)[_COLUMN]))
    program = Program(source=source, owner="computes")
    result = await breached.execute(program, {}, Limits(timeout_seconds=0.5))
    worker = result.output["answer"]
    # Of a process that has ended already, as on a machine that stood still, there is none.
    assert read_cpu_limit(worker) in (2, 0)
    await wait_until(lambda: worker not in find_running())
    assert (await attack("answer = 1")).output == {"answer": 1}


def read_cpu_limit(pid: int) -> int:
    return resource.prlimit(pid, resource.RLIMIT_CPU)[0] if pid in find_running() else 0


async def find_workers(engine: Engine) -> set[int]:
    """Find the workers, once none is being made or ends: one that was just forked is not sealed yet."""
    zygote = find_newest_zygote()

    def is_at_rest() -> bool:
        stats = engine.stats()
        return len(find_descendants(zygote)) == stats.fresh + stats.used + stats.in_use

    await wait_until(is_at_rest)
    return find_descendants(zygote)


@seen_by_root
async def test_what_the_kernel_says_of_every_worker(breached):
    for worker in await find_workers(breached):
        status = dict(line.split(":\t", 1) for line in read_process(worker, "status").splitlines())
        assert (status["NoNewPrivs"], status["Seccomp"], status["Threads"]) == ("1", "2", "1")
        assert read_process(worker, "environ").strip("\0") == ""
        limits = [resource.RLIMIT_CORE, resource.RLIMIT_FSIZE, resource.RLIMIT_NPROC, resource.RLIMIT_NOFILE]
        assert {resource.prlimit(worker, limit) for limit in limits} == {(0, 0)}


@seen_by_root
async def test_no_memory_of_a_worker_is_both_written_and_run(breached):
    for worker in await find_workers(breached):
        maps = read_process(worker, "maps").splitlines()
        assert [line for line in maps if "wx" in line.split()[1]] == []


def read_process(pid: int, name: str) -> str:
    return Path(f"/proc/{pid}/{name}").read_text()


async def test_the_supervisor_goes_on_while_workers_are_ended(breached: Engine):
    programs = [
        Program(source=source, owner=f"owner-{number}")
        for number, source in enumerate(["os.kill(1, 9)", "answer = 1", "os.fork()", "answer = 2"] * 5)
    ]
    results = await asyncio.gather(*(breached.execute(each, {}, Limits()) for each in programs))
    ends = [result.output or result.reason for result in results]
    assert ends == [Reason.ENGINE_CRASH, {"answer": 1}, Reason.ENGINE_CRASH, {"answer": 2}] * 5
