"""`python -m engine_build.gate STOCK BUILT`: ends well only if the built engine is fast enough to be shipped.

Both are folders with a module `_quickjs`. A figure of one machine says nothing on another, so the two are
measured here and now, in turns, each in processes of its own; CPU time is compared, and the best of each
counts, since whatever else the machine does can only make a loop slower.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from engine_build import commands
from engine_build.errors import EngineBuildError

#: About 3 is what it takes on machines where it works, 1 where the compiler makes the wheel's mistake.
LEAST_RATIO = 1.8
#: Turns until it is fast enough; a busy machine may need a few to show what it can do.
MOST_TURNS, LEAST_TURNS = 12, 3
#: Five times what it takes on a slow and busy machine.
_SECONDS_OF_A_TURN = 60
_ROUNDS = 1_000_000
#: Whole numbers, as most loops have; one whose sum grows beyond 2 ** 31 gains 1.4 times only.
_LOOP = f"(() => {{ let n = 0; for (let i = 0; i < {_ROUNDS}; i++) n = (n * 31 + i) % 1000003; return n }})()"
_ANSWER = 256782
#: The folder comes first, so that nothing else is taken for the module; the first loop only warms up.
_TURN = f"""
import sys, time
sys.path.insert(0, sys.argv[1])
import _quickjs
context = _quickjs.Context()
times = []
for _ in range(2):
    begun = time.process_time()
    total = context.eval({_LOOP!r})
    times.append(time.process_time() - begun)
    if total != {_ANSWER}:
        sys.exit(f"the loop came to {{total}}, not to {_ANSWER}")
print(min(times))
"""


def measure_ratio(stock: Path, built: Path) -> float:
    """Give how many times as fast the built engine is; stops measuring as soon as it is fast enough."""
    slow = fast = float("inf")
    for turn in range(1, MOST_TURNS + 1):
        slow, fast = min(slow, measure_loop(stock)), min(fast, measure_loop(built))
        if turn >= LEAST_TURNS and is_worth_it(slow / fast):
            break
    figures = f"{slow * 1000:.1f} ms as delivered, {fast * 1000:.1f} ms rebuilt"
    print(f"the plain loop: {figures}, {slow / fast:.2f} times as fast", flush=True)
    return slow / fast


def is_worth_it(ratio: float) -> bool:
    """Say whether an engine that is so many times as fast is shipped."""
    return ratio >= LEAST_RATIO


def measure_loop(folder: Path) -> float:
    """Give the CPU seconds of the loop in the engine of a folder; raises if it does not come to its end."""
    command = [sys.executable, "-I", "-c", _TURN, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS_OF_A_TURN, check=False)
    if done.returncode != 0:
        raise EngineBuildError(f"the engine in {folder} does not run here: {done.stderr.strip()[-2000:]}")
    return float(done.stdout)


def check(stock: Path, built: Path) -> None:
    """Raise unless the built engine is worth shipping, with what can be done about it."""
    if is_worth_it(ratio := measure_ratio(stock, built)):
        return
    raise EngineBuildError(
        f"the rebuilt JavaScript engine runs a plain loop {ratio:.2f} times as fast as the wheel's, and"
        f" {LEAST_RATIO} is the least it is shipped for. With gcc 12 it is about 2.5; another compiler may"
        " make the mistake that the wheel's makes: build with gcc 12 (Debian 12) or clang (CC=clang)."
        " ENGINE=wheel ships the slower one as it is delivered"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare the two folders of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stock", type=Path, metavar="STOCK")
    parser.add_argument("built", type=Path, metavar="BUILT")
    options = parser.parse_args(arguments)
    return commands.end(lambda: check(options.stock, options.built))


if __name__ == "__main__":
    sys.exit(main())
