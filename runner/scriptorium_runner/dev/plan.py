"""What to do about the files as they are now: which runs to start, which to stop, what to tell. Pure."""

import json
from collections import Counter
from dataclasses import dataclass, field

from scriptorium_api.execution import ScriptExecution
from scriptorium_api.names import source_hash
from scriptorium_api.script import Script
from scriptorium_runner.sources.files import NAMESPACE, FileBoard
from scriptorium_runner.sources.manifests import Found, Loaded, Problem

#: What names the run of a manifest, from one look at the files to the next: namespace and name.
Key = tuple[str, str]


@dataclass(slots=True)
class Plan:
    """What to do."""

    starts: dict[Key, ScriptExecution] = field(default_factory=dict)
    """Runs that are new, or whose manifest, Script or source changed."""
    prints: dict[Key, str] = field(default_factory=dict)
    """What each run depends on, of all that can start."""
    obstacles: list[Problem] = field(default_factory=list)
    """Why other runs cannot start."""
    stops: frozenset[Key] = frozenset()
    """Runs that are out of date: if they are still open they end."""


def decide_runs(board: FileBoard, loaded: Loaded, former: dict[Key, str]) -> Plan:
    """Say what to do now; `former` holds the prints of the plan before."""
    plan = Plan()
    scripts = {_key_of(found): found for found in loaded.objects if isinstance(found.object, Script)}
    for key, found, execution in _list_runs(loaded):
        if problem := _find_obstacle(board, scripts, found, execution):
            plan.obstacles.append(problem)
            continue
        plan.prints[key] = _fingerprint(board, execution)
        if former.get(key) != plan.prints[key]:
            plan.starts[key] = execution
    plan.stops = frozenset(key for key in former if plan.prints.get(key) != former[key])
    return plan


def summarize(plan: Plan, *, has_complaints: bool) -> str:
    """Give the end of the line that tells of a change."""
    if plan.starts:
        return f": {len(plan.starts)} to run"
    return "" if has_complaints else ": nothing to run again"


def _list_runs(loaded: Loaded) -> list[tuple[Key, Found, ScriptExecution]]:
    """Give the runs with their keys; those without a name are told apart by file, prefix and number."""
    numbers: Counter[str] = Counter()
    runs = []
    for found in loaded.objects:
        if isinstance(found.object, ScriptExecution):
            namespace, name = _key_of(found)
            if not name:
                prefix = f"{found.path}:{found.object.metadata.generate_name}"
                numbers[prefix] += 1
                name = f"{prefix}:{numbers[prefix]}"
            runs.append(((namespace, name), found, found.object))
    return runs


def _key_of(found: Found) -> Key:
    return found.object.metadata.namespace or NAMESPACE, found.object.metadata.name


def _find_obstacle(
    board: FileBoard, scripts: dict[Key, Found], found: Found, execution: ScriptExecution
) -> Problem | None:
    """Say why a run could not start, as its Script stands now."""
    reference = execution.spec.script_ref
    if reference is None:
        return None
    key = (found.object.metadata.namespace or NAMESPACE, reference.name)
    script, text = board.find_script(*key), None
    if script is None:
        text = (
            f'there is no Script "{reference.name}"{_place(key)} in these files; add it, or correct the name'
        )
    elif script.spec.suspend:
        place = f"{scripts[key].path}:{scripts[key].line_of('spec', 'suspend')}"
        text = f'Script "{reference.name}" is suspended; set its spec.suspend to false, at {place}'
    else:
        text = board.find_source(script).problem or board.read_values(script).problem
    line = found.line_of("spec", "scriptRef", "name")
    return Problem(found.path, line, f"spec.scriptRef.name: {text}") if text else None


def _place(key: Key) -> str:
    return "" if key[0] == NAMESPACE else f" of namespace {key[0]}"


def _fingerprint(board: FileBoard, execution: ScriptExecution) -> str:
    """Give what a run depends on as one value: its own manifest, its Script, the source and the values."""
    parts = [execution.model_dump_json(exclude={"status"})]
    if reference := execution.spec.script_ref:
        script = board.find_script(execution.metadata.namespace or NAMESPACE, reference.name)
        if script is not None:
            parts += [script.spec.model_dump_json(), board.find_source(script).text or ""]
            parts += [json.dumps(dict(board.read_values(script).env))]
    return source_hash("\n".join(parts))
