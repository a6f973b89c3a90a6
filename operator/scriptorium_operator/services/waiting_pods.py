"""Which unfinished runs have pods of their own, and which Scripts they may wait for."""

from collections import defaultdict

from scriptorium_operator.facts import Key, OwnPod


class WaitingPods:
    """The unfinished runs with pods of their own, by Script; a hint of what to look at."""

    def __init__(self) -> None:
        self._scripts: dict[Key, str] = {}
        self._runs: defaultdict[tuple[str, str], set[Key]] = defaultdict(set)

    def note(self, key: Key, own_pod: OwnPod) -> None:
        """Note that the run has not ended."""
        self._scripts[key] = own_pod.script
        self._runs[key.namespace, own_pod.script].add(key)

    def forget(self, key: Key) -> None:
        """Note that the run has ended or is gone."""
        script = self._scripts.pop(key, None)
        if script is None:
            return
        place = (key.namespace, script)
        self._runs[place].discard(key)
        if not self._runs[place]:
            del self._runs[place]

    def list_of_script(self, script: Key) -> tuple[Key, ...]:
        """Give the unfinished runs of a Script."""
        return tuple(self._runs.get((script.namespace, script.name), ()))
