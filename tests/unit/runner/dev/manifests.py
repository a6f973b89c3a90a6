"""Manifests that the dev mode's tests start from, as text."""

HEAD = "apiVersion: scriptorium.dev/v1alpha1\n"


def script(source: str, name: str = "work", namespace: str = "default") -> str:
    metadata = f"{{name: {name}, namespace: {namespace}}}"
    return f"{HEAD}kind: Script\nmetadata: {metadata}\nspec:\n  source: |\n    {source}\n"


def run(name: str = "run-1", script: str = "work", namespace: str = "default") -> str:
    metadata = f"{{name: {name}, namespace: {namespace}}}"
    return f"{HEAD}kind: ScriptExecution\nmetadata: {metadata}\nspec: {{scriptRef: {{name: {script}}}}}\n"
