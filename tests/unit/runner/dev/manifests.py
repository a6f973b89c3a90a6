"""Manifests that the dev mode's tests start from, as text."""

HEAD = "apiVersion: scriptorium.dev/v1alpha1\n"


def script(source: str, name: str = "work", namespace: str = "default") -> str:
    metadata = f"{{name: {name}, namespace: {namespace}}}"
    return f"{HEAD}kind: Script\nmetadata: {metadata}\nspec:\n  source: |\n    {source}\n"


def run(name: str = "run-1", script: str = "work", namespace: str = "default") -> str:
    metadata = f"{{name: {name}, namespace: {namespace}}}"
    return f"{HEAD}kind: ScriptExecution\nmetadata: {metadata}\nspec: {{scriptRef: {{name: {script}}}}}\n"


def cron(name: str = "nightly", schedule: str = "* * * * *", namespace: str = "default", **spec: str) -> str:
    """Give a CronScript of the Script `work`, with more fields of its spec as YAML."""
    metadata = f"{{name: {name}, namespace: {namespace}}}"
    fields = {"schedule": f'"{schedule}"', "scriptRef": "{name: work}"} | spec
    lines = "".join(f"  {field}: {text}\n" for field, text in fields.items() if text)
    return f"{HEAD}kind: CronScript\nmetadata: {metadata}\nspec:\n{lines}"


def endpoint(
    name: str = "work", path: str = "/work", script: str = "work", namespace: str = "default", **spec: str
) -> str:
    """Give a public Endpoint of a Script, with more fields of its spec as YAML."""
    metadata = f"{{name: {name}, namespace: {namespace}}}"
    fields = {"path": f'"{path}"', "scriptRef": f"{{name: {script}}}", "auth": "[{none: {}}]"} | spec
    lines = "".join(f"  {field}: {text}\n" for field, text in fields.items() if text)
    return f"{HEAD}kind: Endpoint\nmetadata: {metadata}\nspec:\n{lines}"


def join(*manifests: str) -> str:
    """Give several manifests as one file."""
    return "---\n".join(manifests)
