"""The filter as the kernel would judge by it, on each architecture: an interpreter of its program."""

import struct

import pytest

from scriptorium_runner.engine.seal import bpf, system_calls
from scriptorium_runner.engine.seal.bpf import ALLOW, KILL, Architecture, Condition, Rule

X86_64, AARCH64 = system_calls.ARCHITECTURES["x86_64"], system_calls.ARCHITECTURES["aarch64"]
REFUSE = bpf.refuse(1)
_DATA = struct.Struct("=iIQ6Q")


def judge(program: bytes, architecture: int, number: int, *arguments: int) -> int:
    words = [argument % 2**64 for argument in (*arguments, *[0] * (6 - len(arguments)))]
    data = _DATA.pack(number, architecture, 0, *words)
    instructions = list(bpf.INSTRUCTION.iter_unpack(program))
    accumulator = position = 0
    while True:
        code, if_true, if_false, constant = instructions[position]
        position += 1
        if code == bpf.RETURN:
            return constant
        if code == bpf.LOAD:
            (accumulator,) = struct.unpack_from("=I", data, constant)
        elif code == bpf.AND:
            accumulator &= constant
        elif code == bpf.JUMP_IF_EQUAL:
            position += if_true if accumulator == constant else if_false
        elif code == bpf.JUMP_IF_ANY_BIT:
            position += if_true if accumulator & constant else if_false
        else:
            raise AssertionError(code)


def ask(architecture: Architecture, call: str, *arguments: int) -> int:
    program = bpf.assemble(architecture, system_calls.RULES)
    return judge(program, architecture.audit, architecture.numbers[call], *arguments)


@pytest.fixture(params=["x86_64", "aarch64"])
def machine(request: pytest.FixtureRequest) -> Architecture:
    return system_calls.ARCHITECTURES[request.param]


ALLOWED = [
    ("read", 3),
    ("read", 4),
    ("write", 5),
    ("recvfrom", 3, 1 << 40, 100, 0, 0, 0),
    ("sendto", 3, 1 << 40, 100),
    ("mmap", 0, 4096, 3, 0x22, -1, 0),
    ("mmap", 0, 4096, 0, 0x22 | 0x4000 | 0x20000, -1, 0),
    ("mremap", 1 << 40, 4096, 8192, 1),
    ("madvise", 1 << 40, 4096, 4),
    ("mprotect", 1 << 40, 4096, 3),
    ("mprotect", 1 << 40, 4096, 0),
    ("futex", 1 << 40, 0 | 128),
    ("futex", 1 << 40, 9 | 128 | 256),
    ("futex", 1 << 40, 1),
    ("fcntl", 5, 1031, 65536),
    ("clock_gettime", 0),
    ("clock_gettime", 7),
    ("exit_group", 0),
]
KILLED = [
    ("mmap", 0, 4096, 7),
    ("mmap", 0, 4096, 4),
    ("mmap", 0, 4096, 3, 0x21),
    ("mmap", 0, 4096, 3, 0x32),
    ("mmap", 0, 4096, 3, 0x2),
    ("mprotect", 0, 4096, 5),
    ("mprotect", 0, 4096, 1 << 40 | 4),
    ("mprotect", 0, 4096, 3 | 0x0100_0000),
]
REFUSED = [
    ("read", 5),
    ("read", 0),
    ("write", 3 << 8),
    ("write", 4),
    ("recvfrom", 4),
    ("recvfrom", 3, 1, 1, 0, 1),
    ("sendto", 3, 1, 1, 0, 1 << 32),
    ("sendto", 3, 1, 1, 0, 1),
    ("sendto", 3, 1, 1, 1),
    ("recvfrom", 3, 1, 1, 2),
    ("mremap", 0, 4096, 4096, 3),
    ("madvise", 0, 4096, 100),
    ("futex", 0, 3),
    ("futex", 0, 6 | 128),
    ("futex", 0, 13),
    ("fcntl", 5, 4),
    ("fcntl", 3, 1031),
    ("clock_gettime", 8),
    ("clock_gettime", -6),
    ("getrusage", -1),
    ("setitimer", 1),
    ("openat", -100),
    ("prlimit64", 0, 9),
    ("prctl", 4),
    ("rt_sigaction", 24),
]


@pytest.mark.parametrize("call", ALLOWED, ids=str)
def test_what_a_worker_needs_is_allowed(machine: Architecture, call: tuple[str, int]) -> None:
    assert ask(machine, *call) == ALLOW


@pytest.mark.parametrize("call", KILLED, ids=str)
def test_memory_is_a_workers_own_and_never_code(machine: Architecture, call: tuple[str, int]) -> None:
    assert ask(machine, *call) == KILL


@pytest.mark.parametrize("call", REFUSED, ids=str)
def test_what_is_tried_in_vain_fails_with_eperm(machine: Architecture, call: tuple[str, int]) -> None:
    assert ask(machine, *call) == REFUSE


def test_every_number_without_a_rule_ends_the_process(machine: Architecture) -> None:
    program = bpf.assemble(machine, system_calls.RULES)
    unknown = {*range(600), -1, 2**31 - 1} - set(machine.numbers.values())
    assert {judge(program, machine.audit, number, 3) for number in unknown} == {KILL}


@pytest.mark.parametrize("audit", [0x4000_0003, 0x4000_0028, 0, 0xFFFF_FFFF])
def test_calls_of_another_architecture_end_the_process(machine: Architecture, audit: int) -> None:
    program = bpf.assemble(machine, system_calls.RULES)
    assert {judge(program, audit, number) for number in range(600)} == {KILL}


def test_calls_by_the_numbers_of_x32_end_the_process() -> None:
    program = bpf.assemble(X86_64, system_calls.RULES)
    assert {judge(program, X86_64.audit, 0x4000_0000 | number, 3) for number in range(600)} == {KILL}


def test_every_rule_has_a_number_where_the_call_exists() -> None:
    ruled = {rule.call for rule in system_calls.RULES}
    assert set(X86_64.numbers) == ruled
    older = {"open", "stat", "lstat", "access", "readlink", "poll", "time"}
    assert set(AARCH64.numbers) == ruled - older
    for machine in (X86_64, AARCH64):
        assert len(set(machine.numbers.values())) == len(machine.numbers)


def test_a_machine_that_is_not_known_has_no_filter() -> None:
    assert system_calls.build_filter("riscv64") is None


def test_a_mask_and_several_conditions_hold_together() -> None:
    conditions = (Condition(argument=0, values=(1, 2), mask=0xF), Condition(argument=5, values=(7,)))
    machine = Architecture(9, {"call": 4})
    program = bpf.assemble(machine, [Rule("call", conditions, otherwise=REFUSE)])
    answers = [judge(program, 9, 4, first, 0, 0, 0, 0, last) for first in (1, 0x12, 3) for last in (7, 8)]
    assert answers == [ALLOW, REFUSE, ALLOW, REFUSE, REFUSE, REFUSE]


def test_a_rule_that_is_too_long_to_jump_over_is_refused() -> None:
    rule = Rule("call", (Condition(argument=0, values=tuple(range(300))),))
    with pytest.raises(ValueError, match="too long"):
        bpf.assemble(Architecture(9, {"call": 4}), [rule])
