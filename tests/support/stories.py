"""Stories: a folder each with a `story.yaml`, manifests in and the expected status out.

Its steps come in order: `apply` and `create` take manifests (or a file's path), `patch`, `delete` and `wait`
kubectl's own arguments, `expect` waits until each object in the cluster has at least what is written there.
In an expectation `<ANY>` stands for any value, `<ABSENT>` for none, `<NAMESPACE>` for the story's namespace,
`~...` for a pattern, and a mapping against a list of conditions finds each by its type.
"""

import json
import re
from pathlib import Path
from typing import Any

import yaml

from tests.support.kubectl import Kubectl
from tests.support.waiting import until

#: A cold namespace needs its pool first: a pod and its workers, on a machine that may be busy.
STORY_SECONDS = 120


def play(path: Path, kubectl: Kubectl, namespace: str) -> None:
    """Go through the steps of a story."""
    for step in yaml.safe_load(path.read_text())["steps"]:
        ((verb, argument),) = step.items()
        if verb == "expect":
            for wanted in argument:
                expect(wanted, kubectl, namespace)
        elif verb in ("apply", "create"):
            stdin = read_manifests(argument, path.parent)
            kubectl.run(verb, "--namespace", namespace, "-f", "-", stdin=stdin)
        else:
            kubectl.run(verb, *argument, "--namespace", namespace)


def read_manifests(argument: Any, folder: Path) -> str:
    """Give the manifests of a step as kubectl reads them."""
    if isinstance(argument, str):
        return (folder / argument).read_text()
    return "\n---\n".join(json.dumps(manifest) for manifest in argument)


def expect(wanted: dict[str, Any], kubectl: Kubectl, namespace: str) -> None:
    """Wait until the object has at least what is wanted."""
    kind, name = wanted["kind"].lower(), wanted["metadata"]["name"]
    wanted = json.loads(json.dumps(wanted).replace("<NAMESPACE>", namespace))
    last: dict[str, Any] = {}

    def matches() -> bool:
        last["object"] = kubectl.get(kind, name, namespace) or {}
        return not differences(wanted, last["object"])

    try:
        until(matches, STORY_SECONDS)
    except AssertionError:
        told = "\n".join(differences(wanted, last["object"]))
        status = json.dumps(last["object"].get("status"), indent=1)
        raise AssertionError(f"{kind} {name}:\n{told}\nits status: {status}") from None


def differences(wanted: Any, found: Any, path: str = "") -> list[str]:
    """Tell where what was found lacks what is wanted."""
    if isinstance(wanted, dict) and isinstance(found, list):
        found = {condition["type"]: condition for condition in found}
    if isinstance(wanted, dict) and isinstance(found, dict):
        return [each for key in wanted for each in differences(wanted[key], found.get(key), f"{path}.{key}")]
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        pairs = enumerate(zip(wanted, found, strict=True))
        return [each for index, (one, other) in pairs for each in differences(one, other, f"{path}[{index}]")]
    return [] if is_match(wanted, found) else [f"{path}: {found!r} is not {wanted!r}"]


def is_match(wanted: Any, found: Any) -> bool:
    """Say whether one value is as wanted."""
    if wanted == "<ANY>":
        return found is not None
    if wanted == "<ABSENT>":
        return found is None
    if isinstance(wanted, str) and wanted.startswith("~"):
        return re.fullmatch(wanted[1:], str(found), re.DOTALL) is not None
    return bool(wanted == found) and type(wanted) is type(found)
