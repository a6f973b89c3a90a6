"""What a worker gives up before it sees any script: prepared in the zygote, applied in each fork.

Nothing here needs a right that a process of a restricted pod lacks. Each layer alone should hold; all are
there because one of them may not.
"""

import errno
import os
import resource
import signal
from collections.abc import Callable

from scriptorium_api.values import frozen
from scriptorium_runner.engine.seal import bpf, environment, kernel, landlock, system_calls
from scriptorium_runner.engine.seal.layers import NOT_SEALED, SWITCHED_OFF, Layer, Seal

#: Beyond these: the supervisor sets address space and CPU time for each run, which a worker cannot change.
_LIMITS = (
    resource.RLIMIT_CORE,
    resource.RLIMIT_FSIZE,
    resource.RLIMIT_NPROC,
    # No new descriptor, whatever is closed before: so no file can be opened, those of `env` among them.
    resource.RLIMIT_NOFILE,
    resource.RLIMIT_MEMLOCK,
    resource.RLIMIT_MSGQUEUE,
)


class SealBroken(Exception):
    """A layer could not be applied to this process."""

    def __init__(self, layer: Layer, flaw: str) -> None:
        super().__init__(f"{layer}: {flaw}")
        self.layer, self.flaw = layer, flaw


@frozen
class Step:
    """How one layer is applied."""

    layer: Layer
    apply: Callable[[], None]


@frozen
class Plan:
    """The steps of a seal, and why other layers have none."""

    steps: tuple[Step, ...]
    flaws: dict[Layer, str]
    landlock_version: int = 0

    def apply(self) -> None:
        """Seal this process for good; raises SealBroken, and then no script may be run in it."""
        for step in self.steps:
            try:
                step.apply()
            except OSError as error:
                raise SealBroken(step.layer, error.strerror or str(error)) from error

    def without(self, broken: SealBroken) -> "Plan":
        """Leave a layer out that this machine refuses."""
        steps = tuple(step for step in self.steps if step.layer is not broken.layer)
        return Plan(steps, self.flaws | {broken.layer: broken.flaw}, self.landlock_version)


def prepare(seal: Seal) -> Plan:
    """Find out what this machine offers, and prepare it so that a fork only has to apply it."""
    if seal is Seal.NONE:
        flaws = dict.fromkeys(NOT_SEALED, SWITCHED_OFF)
        return Plan((Step(Layer.RESOURCE_LIMITS, set_limits),), flaws | _find_remains())
    flaws = _find_remains()
    steps = [Step(Layer.NO_NEW_PRIVILEGES, kernel.forbid_new_privileges)]
    version = _prepare_landlock(steps, flaws)
    # Landlock needs a descriptor for a moment, so the limits come after it; the filter is the last.
    steps.append(Step(Layer.RESOURCE_LIMITS, set_limits))
    steps.append(Step(Layer.NOT_DUMPABLE, kernel.forbid_dumps))
    _prepare_filter(steps, flaws)
    return Plan(tuple(steps), flaws, version)


def set_limits() -> None:
    """Allow no new descriptor, process, file content, core dump, locked memory or message queue."""
    for limit in _LIMITS:
        resource.setrlimit(limit, (0, 0))


def probe_filter() -> None:
    """Raise SealBroken unless the filter answers in the kernel's place; only after `Plan.apply`."""
    try:
        os.close(os.open("/", os.O_RDONLY))
    except OSError as error:
        # Landlock would say EACCES, the limit of descriptors EMFILE.
        if error.errno == errno.EPERM:
            return
    raise SealBroken(Layer.SECCOMP, "it was installed, and calls are not judged by it")


def die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent ends, also if that happened a moment ago."""
    kernel.die_with_parent(signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


def _find_remains() -> dict[Layer, str]:
    is_wiped = environment.is_wiped()
    return {} if is_wiped else {Layer.ENVIRONMENT: "variables are left in the zygote's memory"}


def _prepare_landlock(steps: list[Step], flaws: dict[Layer, str]) -> int:
    try:
        version = kernel.read_landlock_version()
    except OSError as error:
        flaws[Layer.LANDLOCK] = f"the kernel has none, or it is switched off: {error.strerror}"
        return 0
    rights = landlock.list_rights(version)
    steps.append(Step(Layer.LANDLOCK, lambda: kernel.restrict_by_landlock(rights)))
    return version


def _prepare_filter(steps: list[Step], flaws: dict[Layer, str]) -> None:
    program = system_calls.build_filter()
    if program is None:
        flaws[Layer.SECCOMP] = "there is no list of system calls for this kind of machine"
        return
    steps.append(Step(Layer.SECCOMP, lambda: kernel.install_filter(program, bpf.INSTRUCTION.size)))
