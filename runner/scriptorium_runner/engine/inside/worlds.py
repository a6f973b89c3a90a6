"""Fresh JavaScript worlds: contexts with our prelude in them, each for exactly one script.

Where the engine has snapshots, one world is made in the zygote and put back byte for byte after each script;
elsewhere each is made anew, and taken apart afterwards. Both are the same to a script.
"""

import gc
import json
import resource
import sys
from collections.abc import Callable
from typing import Any

from scriptorium_api.values import frozen
from scriptorium_runner.engine.inside import bytecode, native, prelude, randomness, trial
from scriptorium_runner.engine.inside.bytecode import Compiled
from scriptorium_runner.engine.inside.interrupt import Deadline
from scriptorium_runner.engine.inside.randomness import Generator
from scriptorium_runner.engine.inside.snapshot import Snapshot

MB = 1024 * 1024
#: A frame of the interpreter takes about 1.7 KB, so this is some 2,400 calls deep; never more than half the
#: stack.
_STACK_BYTES = min(4 * MB, max(resource.getrlimit(resource.RLIMIT_STACK)[0], 2 * MB) // 2)
#: Leaves something in a world, and tells of what was there before.
_TRACES = """(() => {
  globalThis.seen = (globalThis.seen ?? 0) + 1;
  Array.prototype.seen = (Array.prototype.seen ?? 0) + 1;
  const objects = Array.from({ length: 1000 }, (_, i) => ({ [`key${i}`]: "x".repeat(i) }));
  globalThis.many = (globalThis.many ?? []).concat(objects);
  return JSON.stringify([globalThis.seen, [].seen, globalThis.many.length, Math.random()]);
})()"""

#: Takes what the prelude says through its `port`.
Listener = Callable[..., str | bool | None]


def ignore(*_words: Any) -> None:
    """Listen to nothing."""


@frozen
class Prelude:
    """Our own JavaScript: what every context begins with, and what only some need."""

    core: Compiled
    calls: Compiled
    utils: Compiled
    request: Compiled


def compile_prelude() -> Prelude:
    """Read the prelude, and compile it if that can be done here."""
    files = ("prelude.js", "calls.js", "utils.js", "request.js")
    return Prelude(*bytecode.compile_all(*(prelude.load_prelude(name) for name in files)))


class World:
    """A context with the prelude in it; to be closed, as the context and its callable refer to each other."""

    def __init__(self, own: Prelude, deadline: Deadline, offset: float) -> None:
        self.context = native.Context()
        self.context.set_max_stack_size(_STACK_BYTES)
        deadline.attach(self.context)
        self.context.add_callable("port", self._hear)
        self.listener: Listener = ignore
        self.host = own.core.evaluate(self.context)(self.context.get("port"), offset)
        self._own = own
        self._request: Any = None

    def prepare(self) -> None:
        """Evaluate now what most scripts of a world like this will need."""
        self._request = self._own.request.evaluate(self.context)

    def find_calls(self) -> Any:
        """Give the function of calls.js."""
        return self._own.calls.evaluate(self.context)

    def find_utils(self) -> Any:
        """Give the function of utils.js."""
        return self._own.utils.evaluate(self.context)

    def find_request(self) -> Any:
        """Give the function of request.js."""
        return self._request or self._own.request.evaluate(self.context)

    def _hear(self, *words: Any) -> str | bool | None:
        return self.listener(*words)

    def close(self) -> None:
        """Free the heap."""
        # Who listened holds the world, and would keep all of it until Python looks for circles.
        self.listener = ignore
        self._request = None
        del self.host, self.context


class KeptWorld:
    """A world in a snapshot, which is put back whenever it is given again."""

    def __init__(self, world: World, snapshot: Snapshot, generator: Generator) -> None:
        self._world = world
        self._snapshot = snapshot
        self._generator = generator
        self._is_fresh = True
        self._holders = self._count_holders()

    def give(self) -> World:
        """Give the world as it was; raises RuntimeError if a value of the last script is still held."""
        if not self._is_fresh:
            self._restore()
        self._is_fresh = False
        self._generator.reseed()
        return self._world

    def _restore(self) -> None:
        self._world.listener = ignore
        if self._count_holders() != self._holders:
            gc.collect()
            if self._count_holders() != self._holders:
                raise RuntimeError("a value of the last script is still held")
        self._snapshot.restore()

    def _count_holders(self) -> int:
        # Python's side of each value holds the context.
        return sys.getrefcount(self._world.context)


def keep(own: Prelude, deadline: Deadline) -> KeptWorld | None:
    """Make a world and take a snapshot of it; None where this engine cannot, or is not as expected."""
    snapshot = Snapshot()
    if not snapshot.open():
        return None
    world = World(own, deadline, offset=0.0)
    world.prepare()
    generator = randomness.find_generator(world.context)
    is_taken = snapshot.take()
    return KeptWorld(world, snapshot, generator) if is_taken and generator else None


def can_be_kept(own: Prelude, deadline: Deadline) -> bool:
    """Say whether a world was put back after a script that left traces, large and small; for a try."""
    kept = keep(own, deadline)
    if kept is None:
        return False
    first = kept.give().context.eval(_TRACES)
    second = kept.give().context.eval(_TRACES)
    # The last word is a random number.
    return bool(json.loads(first)[:-1] == json.loads(second)[:-1] == [1, 1, 1000] and first != second)


class Worlds:
    """Gives one fresh world after the other; made in the zygote, for all its workers."""

    def __init__(self, own: Prelude, deadline: Deadline) -> None:
        self._own = own
        self._deadline = deadline
        self._last: World | None = None
        self._kept = keep(own, deadline) if trial.survives(lambda: can_be_kept(own, deadline)) else None

    @property
    def are_kept(self) -> bool:
        """Whether they come from a snapshot."""
        return self._kept is not None

    def give(self) -> World:
        """Give a fresh world; the one that was given before is gone."""
        if self._kept is not None:
            return self._kept.give()
        if self._last is not None:
            self._last.close()
        self._last = World(self._own, self._deadline, randomness.draw_fraction())
        return self._last
