"""A seccomp filter as the kernel takes it: rules in, a classic BPF program out. Pure.

The first rule for a call decides: if all its conditions hold the call is allowed, else its `otherwise` is the
answer. Calls without a rule end the process, and so does any other way into the kernel than that of the
architecture: compat calls, and x32 on x86_64.
"""

import struct
from collections.abc import Mapping, Sequence

from scriptorium_api.values import frozen

KILL = 0x8000_0000  # SECCOMP_RET_KILL_PROCESS
ALLOW = 0x7FFF_0000  # SECCOMP_RET_ALLOW
_ERRNO = 0x0005_0000  # SECCOMP_RET_ERRNO

#: struct sock_filter: code, jump if true, jump if false, constant.
INSTRUCTION = struct.Struct("=HBBI")
LOAD = 0x20  # BPF_LD | BPF_W | BPF_ABS
AND = 0x54  # BPF_ALU | BPF_AND | BPF_K
JUMP_IF_EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
JUMP_IF_ANY_BIT = 0x45  # BPF_JMP | BPF_JSET | BPF_K
RETURN = 0x06  # BPF_RET | BPF_K

#: struct seccomp_data: int nr, u32 arch, u64 instruction_pointer, u64 args[6].
_NUMBER_OFFSET = 0
_ARCHITECTURE_OFFSET = 4
_ARGUMENTS_OFFSET = 16
#: Set in the numbers of x32 calls, which reach the kernel as x86_64.
_X32_BIT = 0x4000_0000
_LONGEST_JUMP = 255


@frozen
class Architecture:
    """A machine: what the kernel calls it, its calls' numbers, and whether x32 has to be refused."""

    audit: int
    numbers: Mapping[str, int]
    has_x32: bool = False


@frozen(kw_only=True)
class Condition:
    """An argument's low 32 bits, masked, are one of these values; of a pointer, the high bits are 0 too."""

    argument: int
    values: tuple[int, ...]
    mask: int = 0xFFFF_FFFF
    is_pointer: bool = False


@frozen
class Rule:
    """A call that is allowed under conditions, or answered with an error."""

    call: str
    conditions: tuple[Condition, ...] = ()
    otherwise: int = KILL
    is_allowed: bool = True


Instruction = tuple[int, int, int, int]


def refuse(error: int) -> int:
    """Give the answer that makes a call fail with an errno."""
    return _ERRNO | error


def assemble(architecture: Architecture, rules: Sequence[Rule]) -> bytes:
    """Write the rules as a program; a call that the architecture does not have needs none."""
    program = _check_entry(architecture)
    for rule in rules:
        if rule.call in architecture.numbers:
            program += _render_rule(architecture.numbers[rule.call], rule)
    program.append((RETURN, 0, 0, KILL))
    return b"".join(INSTRUCTION.pack(*instruction) for instruction in program)


def _check_entry(architecture: Architecture) -> list[Instruction]:
    program: list[Instruction] = [
        (LOAD, 0, 0, _ARCHITECTURE_OFFSET),
        (JUMP_IF_EQUAL, 1, 0, architecture.audit),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, _NUMBER_OFFSET),
    ]
    if architecture.has_x32:
        program += [(JUMP_IF_ANY_BIT, 0, 1, _X32_BIT), (RETURN, 0, 0, KILL)]
    return program


def _render_rule(number: int, rule: Rule) -> list[Instruction]:
    block = [each for condition in rule.conditions for each in _render_condition(condition, rule.otherwise)]
    block.append((RETURN, 0, 0, ALLOW if rule.is_allowed else rule.otherwise))
    if len(block) > _LONGEST_JUMP:
        raise ValueError(f"the rule of {rule.call} is too long to jump over")
    return [(JUMP_IF_EQUAL, 0, len(block), number), *block]


def _render_condition(condition: Condition, otherwise: int) -> list[Instruction]:
    offset = _ARGUMENTS_OFFSET + 8 * condition.argument
    load: list[Instruction] = [(LOAD, 0, 0, offset)]
    if condition.mask != 0xFFFF_FFFF:
        load.append((AND, 0, 0, condition.mask))
    # Each comparison that holds jumps over those that are left and over the refusal.
    left = len(condition.values)
    compare = [(JUMP_IF_EQUAL, left - index, 0, value) for index, value in enumerate(condition.values)]
    block: list[Instruction] = [*load, *compare, (RETURN, 0, 0, otherwise)]
    if condition.is_pointer:
        block += [(LOAD, 0, 0, offset + 4), (JUMP_IF_EQUAL, 1, 0, 0), (RETURN, 0, 0, otherwise)]
    return block
