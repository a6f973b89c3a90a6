"""What a worker may ask of the kernel once it is sealed. Pure.

It was found by tracing workers, and every test of the engine runs under it. What is not here ends the
process: no script, no engine and no library asks for it, so somebody has broken in.
"""

import errno
import os

from scriptorium_runner.engine.seal import bpf
from scriptorium_runner.engine.seal.bpf import Architecture, Condition, Rule

#: The descriptors of a worker; the standard three lead nowhere.
CHANNEL, LOG_READ, LOG_WRITE = 3, 4, 5

_REFUSED = bpf.refuse(errno.EPERM)
_F_SETPIPE_SZ = 1031
#: FUTEX_WAIT, _WAKE, _WAIT_BITSET, _WAKE_BITSET: what locks need, private or not, on either clock.
_FUTEX_CALLS = (0, 1, 9, 10)
_FUTEX_FLAGS = 128 | 256
#: CLOCK_REALTIME to CLOCK_BOOTTIME; the clocks of other processes have other numbers.
_CLOCKS = tuple(range(8))


def _is_one_of(argument: int, *values: int) -> Condition:
    return Condition(argument=argument, values=values)


def _is_null(argument: int) -> Condition:
    return Condition(argument=argument, values=(0,), is_pointer=True)


def _allow(call: str, *conditions: Condition, otherwise: int = _REFUSED) -> Rule:
    return Rule(call, conditions, otherwise)


#: PROT_READ and PROT_WRITE, either or neither: never PROT_EXEC.
_IS_DATA = _is_one_of(2, 0, 1, 2, 3)
#: MAP_PRIVATE and MAP_ANONYMOUS; MAP_NORESERVE and MAP_STACK make no difference.
_IS_ITS_OWN = Condition(argument=3, values=(0x22,), mask=0xFFFF_FFFF & ~(0x4000 | 0x20000))
_ALLOWED = (
    _allow("brk"),
    _allow("mmap", _IS_DATA, _IS_ITS_OWN, otherwise=bpf.KILL),
    _allow("munmap"),
    _allow("mremap", _is_one_of(3, 0, 1)),  # MREMAP_MAYMOVE
    _allow("madvise", _is_one_of(2, 4, 8)),  # MADV_DONTNEED, MADV_FREE
    _allow("mprotect", _IS_DATA, otherwise=bpf.KILL),
    # No address, since the channel is connected; no flags: out-of-band data has broken kernels.
    _allow("recvfrom", _is_one_of(0, CHANNEL), _is_one_of(3, 0), _is_null(4)),
    _allow("sendto", _is_one_of(0, CHANNEL), _is_one_of(3, 0), _is_null(4)),
    _allow("read", _is_one_of(0, CHANNEL, LOG_READ)),
    _allow("write", _is_one_of(0, CHANNEL, LOG_WRITE)),
    # Not the flags: the pipe's are the supervisor's as well, and it must never block there.
    _allow("fcntl", _is_one_of(0, LOG_WRITE), _is_one_of(1, _F_SETPIPE_SZ)),
    _allow("clock_gettime", _is_one_of(0, *_CLOCKS)),
    _allow("setitimer", _is_one_of(0, 0)),  # ITIMER_REAL
    _allow("getrusage", _is_one_of(0, 0)),  # RUSAGE_SELF
    _allow("getrandom"),
    _allow("futex", Condition(argument=1, values=_FUTEX_CALLS, mask=0xFFFF_FFFF & ~_FUTEX_FLAGS)),
    # After a stop and a continue.
    _allow("restart_syscall"),
    _allow("rt_sigreturn"),
    _allow("exit"),
    _allow("exit_group"),
)

#: What Python and libc try on their own, for an import that was never made or in abort(), and go on or end
#: without. Who cannot handle signals cannot ignore those of the kernel's limits either.
_TRIED = (
    *("open", "openat", "close", "lseek", "ioctl", "dup"),
    *("stat", "lstat", "fstat", "newfstatat", "statx", "access", "faccessat", "faccessat2"),
    *("readlink", "readlinkat", "getcwd", "getdents64"),
    *("getpid", "gettid", "getppid", "getuid", "geteuid", "getgid", "getegid"),
    *("uname", "sysinfo", "sched_yield", "sched_getaffinity", "getcpu"),
    *("rt_sigaction", "rt_sigprocmask", "sigaltstack", "tgkill"),
    *("prlimit64", "getrlimit", "prctl", "membarrier", "rseq", "set_robust_list"),
    *("gettimeofday", "time", "clock_getres", "nanosleep", "clock_nanosleep", "poll", "ppoll"),
)
RULES = (*_ALLOWED, *(Rule(call, otherwise=_REFUSED, is_allowed=False) for call in _TRIED))

_X86_64 = {
    "read": 0,
    "write": 1,
    "open": 2,
    "close": 3,
    "stat": 4,
    "fstat": 5,
    "lstat": 6,
    "poll": 7,
    "lseek": 8,
    "mmap": 9,
    "mprotect": 10,
    "munmap": 11,
    "brk": 12,
    "rt_sigaction": 13,
    "rt_sigprocmask": 14,
    "rt_sigreturn": 15,
    "ioctl": 16,
    "access": 21,
    "sched_yield": 24,
    "mremap": 25,
    "madvise": 28,
    "dup": 32,
    "nanosleep": 35,
    "setitimer": 38,
    "getpid": 39,
    "sendto": 44,
    "recvfrom": 45,
    "exit": 60,
    "uname": 63,
    "fcntl": 72,
    "getcwd": 79,
    "readlink": 89,
    "gettimeofday": 96,
    "getrlimit": 97,
    "getrusage": 98,
    "sysinfo": 99,
    "getuid": 102,
    "getgid": 104,
    "geteuid": 107,
    "getegid": 108,
    "getppid": 110,
    "sigaltstack": 131,
    "prctl": 157,
    "gettid": 186,
    "time": 201,
    "futex": 202,
    "sched_getaffinity": 204,
    "getdents64": 217,
    "restart_syscall": 219,
    "clock_gettime": 228,
    "clock_getres": 229,
    "clock_nanosleep": 230,
    "exit_group": 231,
    "tgkill": 234,
    "openat": 257,
    "newfstatat": 262,
    "readlinkat": 267,
    "faccessat": 269,
    "ppoll": 271,
    "set_robust_list": 273,
    "prlimit64": 302,
    "getcpu": 309,
    "getrandom": 318,
    "membarrier": 324,
    "statx": 332,
    "rseq": 334,
    "faccessat2": 439,
}
_AARCH64 = {
    "getcwd": 17,
    "dup": 23,
    "fcntl": 25,
    "ioctl": 29,
    "faccessat": 48,
    "openat": 56,
    "close": 57,
    "getdents64": 61,
    "lseek": 62,
    "read": 63,
    "write": 64,
    "ppoll": 73,
    "readlinkat": 78,
    "newfstatat": 79,
    "fstat": 80,
    "exit": 93,
    "exit_group": 94,
    "futex": 98,
    "set_robust_list": 99,
    "nanosleep": 101,
    "setitimer": 103,
    "clock_gettime": 113,
    "clock_getres": 114,
    "clock_nanosleep": 115,
    "sched_getaffinity": 123,
    "sched_yield": 124,
    "restart_syscall": 128,
    "tgkill": 131,
    "sigaltstack": 132,
    "rt_sigaction": 134,
    "rt_sigprocmask": 135,
    "rt_sigreturn": 139,
    "uname": 160,
    "getrlimit": 163,
    "getrusage": 165,
    "prctl": 167,
    "getcpu": 168,
    "gettimeofday": 169,
    "getpid": 172,
    "getppid": 173,
    "getuid": 174,
    "geteuid": 175,
    "getgid": 176,
    "getegid": 177,
    "gettid": 178,
    "sysinfo": 179,
    "sendto": 206,
    "recvfrom": 207,
    "brk": 214,
    "munmap": 215,
    "mremap": 216,
    "mmap": 222,
    "mprotect": 226,
    "madvise": 233,
    "prlimit64": 261,
    "getrandom": 278,
    "membarrier": 283,
    "statx": 291,
    "rseq": 293,
    "faccessat2": 439,
}
#: By the machine's name as the kernel tells it; AUDIT_ARCH_X86_64 and AUDIT_ARCH_AARCH64.
ARCHITECTURES = {
    "x86_64": Architecture(0xC000_003E, _X86_64, has_x32=True),
    "aarch64": Architecture(0xC000_00B7, _AARCH64),
}


def build_filter(machine: str = os.uname().machine) -> bytes | None:
    """Build the filter of a machine, or give None if its calls' numbers are not known here."""
    architecture = ARCHITECTURES.get(machine)
    return bpf.assemble(architecture, RULES) if architecture is not None else None
