"""The system calls of the seal, which Python has no functions for."""

import ctypes
import mmap
import os
import struct

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_SECCOMP = 22
_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_MODE_FILTER = 2
#: The same on every architecture.
_LANDLOCK_CREATE_RULESET = 444
_LANDLOCK_RESTRICT_SELF = 446
_LANDLOCK_CREATE_RULESET_VERSION = 1

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
_libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
_libc.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]


class _Program(ctypes.Structure):
    """struct sock_fprog"""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def die_with_parent(signal_number: int) -> None:
    """Have the kernel send this process a signal when its parent ends."""
    _prctl(_PR_SET_PDEATHSIG, signal_number)


def forbid_new_privileges() -> None:
    """Never again gain rights by exec; a seccomp filter without rights of one's own needs that."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def forbid_dumps() -> None:
    """Keep processes of the same user out of this one's memory, and its files in /proc root's."""
    _prctl(_PR_SET_DUMPABLE, 0)


def install_filter(program: bytes, instruction_bytes: int) -> None:
    """Have every system call from now on judged by a program."""
    filter_ = _Program(len(program) // instruction_bytes, program)
    _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(filter_))


def read_landlock_version() -> int:
    """Give the version of the kernel's Landlock; raises OSError if it has none."""
    return _call(_LANDLOCK_CREATE_RULESET, None, 0, _LANDLOCK_CREATE_RULESET_VERSION)


def restrict_by_landlock(rights: tuple[int, ...]) -> None:
    """Give up rights, each a mask of a kind, without an exception."""
    attributes = struct.pack(f"={len(rights)}Q", *rights)
    ruleset = _call(_LANDLOCK_CREATE_RULESET, attributes, len(attributes), 0)
    try:
        _call(_LANDLOCK_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def forbid_writes(start: int, size: int) -> None:
    """Let memory be read and run only."""
    if _libc.mprotect(start, size, mmap.PROT_READ | mmap.PROT_EXEC) != 0:
        _fail()


def overwrite(start: int, size: int) -> None:
    """Fill memory of this process with zeros."""
    ctypes.memset(start, 0, size)


def _prctl(option: int, first: int, second: int = 0) -> None:
    if _libc.prctl(option, first, second, 0, 0) != 0:
        _fail()


def _call(number: int, *arguments: bytes | int | None) -> int:
    words = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    result: int = _libc.syscall(ctypes.c_long(number), *words)
    if result < 0:
        _fail()
    return result


def _fail() -> None:
    code = ctypes.get_errno()
    raise OSError(code, os.strerror(code))
