"""A zygote whose workers run Python in a script's place: as if a script had broken the JavaScript engine.

It is a program of the tests alone. Seal, protocol and limits are the product's own; only the worker's way to
run a source is replaced, in a process that the tests start in the zygote's place.
"""

import ctypes
import json
import os
import struct
import time
import traceback
from typing import Any

from scriptorium_runner.engine.inside import zygote
from scriptorium_runner.engine.inside.sandbox import Ending, Sandbox
from scriptorium_runner.engine.protocol import Request

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def call(number: int, *arguments: Any) -> int:
    """Make a system call; give its result, or the errno as a negative number."""
    words = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    result: int = _libc.syscall(ctypes.c_long(number), *words)
    return result if result >= 0 else -ctypes.get_errno()


#: What an attack finds in reach, all of it imported before the seal.
TOOLS = {"call": call, "ctypes": ctypes, "os": os, "struct": struct, "time": time}


def run_python(_sandbox: Sandbox, request: Request) -> Ending:
    """Run a source as Python; what it leaves in `answer` is the output."""
    found: dict[str, Any] = dict(TOOLS)
    try:
        exec(request.source, found)  # noqa: S102 - that is what a breached worker can do.
    except Exception:  # noqa: BLE001 - whatever it is, the test wants to see it.
        return Ending(kind="value", output=json.dumps({"raised": traceback.format_exc()}))
    return Ending(kind="value", output=json.dumps({"answer": found.get("answer")}))


if __name__ == "__main__":
    # Workers are forks of this process: what is patched here is what they run.
    Sandbox.run = run_python  # type: ignore[method-assign]
    call(39 if os.uname().machine == "x86_64" else 172)  # getpid: the first call of a function loads it.
    zygote.main()
