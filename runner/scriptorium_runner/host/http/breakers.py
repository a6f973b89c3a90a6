"""The circuits of all hosts that a runner's scripts call, kept for the runner's life."""

from collections import OrderedDict
from collections.abc import Callable

from scriptorium_runner.host.http import circuits
from scriptorium_runner.host.http.circuits import Circuit, Phase
from scriptorium_runner.host.http.failures import Code, failure
from scriptorium_runner.host.http.targets import Target

Origin = tuple[str, str, int]

#: Only hosts that failed lately are kept; a script that makes up names pushes out the oldest.
_MOST = 1000


class Breakers:
    """One circuit a host and port."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._circuits: OrderedDict[Origin, Circuit] = OrderedDict()

    def enter(self, target: Target) -> None:
        """Let a request through; raises HostError while the host is left alone."""
        circuit = self._circuits.get(target.origin)
        if circuit is None:
            return
        now = self._clock()
        if circuits.decide_phase(circuit, now) is Phase.OPEN:
            seconds = circuits.seconds_left(circuit, now)
            raise failure(
                Code.CIRCUIT_OPEN,
                f"{target.authority} did not answer {circuits.FAILURES} times in a row "
                f"and is left alone for another {seconds:.0f} s",
            )
        self._circuits[target.origin] = circuits.note_start(circuit, now)

    def note_answer(self, target: Target) -> None:
        """Take down that the host answered."""
        self._circuits.pop(target.origin, None)

    def note_failure(self, target: Target) -> None:
        """Take down that it did not."""
        circuit = self._circuits.get(target.origin, Circuit())
        self._circuits[target.origin] = circuits.note_failure(circuit, self._clock())
        self._circuits.move_to_end(target.origin)
        if len(self._circuits) > _MOST:
            self._circuits.popitem(last=False)

    def note_nothing(self, target: Target) -> None:
        """Take down that a request ended which says nothing of the host."""
        if circuit := self._circuits.get(target.origin):
            self._circuits[target.origin] = circuits.note_nothing(circuit)
