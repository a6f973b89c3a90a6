"""What to do about the files as they are now: which runs to start, which to stop, what to tell. Pure."""

import json
from collections import Counter
from dataclasses import dataclass, field

from scriptorium_api import cron_runs
from scriptorium_api.cron_script import CronScript
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
    """Why other runs cannot start, those of CronScripts among them."""
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
    for found in loaded.objects:
        if problem := _find_schedules_obstacle(board, scripts, found):
            plan.obstacles.append(problem)
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
    return _namespace_of(found), found.object.metadata.name


def _find_obstacle(
    board: FileBoard, scripts: dict[Key, Found], found: Found, execution: ScriptExecution
) -> Problem | None:
    """Say why a run could not start, as its CronScript and its Script stand now."""
    if reference := execution.spec.script_ref:
        text = _find_script_problem(board, scripts, (_namespace_of(found), reference.name))
        return _build_problem(found, ("spec", "scriptRef", "name"), text)
    if (cron_reference := execution.spec.cron_script_ref) is None:
        return None
    key = (_namespace_of(found), cron_reference.name)
    cron_script = board.find_cron_script(*key)
    if cron_script is None:
        text = f'there is no CronScript "{key[1]}"{_place(key)} in these files; add it, or correct the name'
    else:
        script = (key[0], cron_runs.find_script_name(cron_script))
        text = _find_script_problem(board, scripts, script)
    return _build_problem(found, ("spec", "cronScriptRef", "name"), text)


def _find_schedules_obstacle(board: FileBoard, scripts: dict[Key, Found], found: Found) -> Problem | None:
    """Say why the runs of a CronScript could not start; None for what is no CronScript."""
    if not isinstance(found.object, CronScript):
        return None
    key = (_namespace_of(found), cron_runs.find_script_name(found.object))
    text = _find_script_problem(board, scripts, key)
    is_inline = found.object.spec.script is not None
    return _build_problem(found, ("spec", "script") if is_inline else ("spec", "scriptRef", "name"), text)


def _find_script_problem(board: FileBoard, scripts: dict[Key, Found], key: Key) -> str | None:
    """Say why no run of a Script could start."""
    script = board.find_script(*key)
    if script is None:
        return f'there is no Script "{key[1]}"{_place(key)} in these files; add it, or correct the name'
    if script.spec.suspend:
        place = f"{scripts[key].path}:{scripts[key].line_of('spec', 'suspend')}"
        return f'Script "{key[1]}" is suspended; set its spec.suspend to false, at {place}'
    return board.find_source(script).problem or board.read_values(script).problem or None


def _build_problem(found: Found, location: tuple[str, ...], text: str | None) -> Problem | None:
    return Problem(found.path, found.line_of(*location), f"{'.'.join(location)}: {text}") if text else None


def _namespace_of(found: Found) -> str:
    return found.object.metadata.namespace or NAMESPACE


def _place(key: Key) -> str:
    return "" if key[0] == NAMESPACE else f" of namespace {key[0]}"


def _fingerprint(board: FileBoard, execution: ScriptExecution) -> str:
    """Give what a run depends on as one value: its own manifest, what it takes over from a CronScript, its
    Script, the source and the values."""
    parts = [execution.model_dump_json(exclude={"status"})]
    namespace = execution.metadata.namespace or NAMESPACE
    if cron_reference := execution.spec.cron_script_ref:
        cron_script = board.find_cron_script(namespace, cron_reference.name)
        execution = cron_runs.take_over(execution, cron_script) if cron_script else execution
        parts.append(execution.spec.model_dump_json())
    if reference := execution.spec.script_ref:
        script = board.find_script(namespace, reference.name)
        if script is not None:
            parts += [script.spec.model_dump_json(), board.find_source(script).text or ""]
            parts += [json.dumps(dict(board.read_values(script).env))]
    return source_hash("\n".join(parts))
