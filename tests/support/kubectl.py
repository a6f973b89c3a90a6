"""kubectl, as a person uses it."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Kubectl:
    """kubectl with the test cluster's kubeconfig."""

    kubeconfig: str

    def run(self, *arguments: str, stdin: str | None = None) -> str:
        """Run a command and give its output; fail with what it said."""
        done = self.attempt(*arguments, stdin=stdin)
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr or done.stdout}"
        return done.stdout

    def attempt(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command and give how it ended."""
        return subprocess.run(
            ["kubectl", "--kubeconfig", self.kubeconfig, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    def with_token(self, token: str, folder: Path) -> "Kubectl":
        """Give a kubectl that speaks with this token and nothing else; its kubeconfig is in the folder."""
        # A client certificate would win over the token: only the cluster is taken over.
        config = json.loads(self.run("config", "view", "--raw", "-o", "json"))
        config["users"] = [{"name": "account", "user": {"token": token}}]
        context = {"cluster": config["clusters"][0]["name"], "user": "account"}
        config["contexts"] = [{"name": "account", "context": context}]
        config["current-context"] = "account"
        path = folder / "account.kubeconfig"
        path.write_text(json.dumps(config))
        return Kubectl(str(path))

    def as_pod(self, account: str, folder: Path) -> "Kubectl":
        """Give a kubectl that speaks as a pod with the account would; its kubeconfig is in the folder."""
        config = json.loads(self.run("config", "view", "--raw", "--minify", "-o", "json"))
        (entry,) = config["users"]
        extra = {"authentication.kubernetes.io/pod-name": ["a-pod"]}
        entry["user"] |= {"as": account, "as-user-extra": extra}
        path = folder / f"{account.replace(':', '-')}.kubeconfig"
        path.write_text(json.dumps(config))
        return Kubectl(str(path))

    def get(self, kind: str, name: str, namespace: str | None = None) -> dict[str, Any] | None:
        """Give an object, or None where there is none."""
        place = ["--namespace", namespace] if namespace else []
        text = self.run("get", kind, name, *place, "--ignore-not-found", "-o", "json")
        found: dict[str, Any] | None = json.loads(text) if text.strip() else None
        return found

    def list(self, kind: str, namespace: str, *options: str) -> list[dict[str, Any]]:
        """Give all objects of a kind in a namespace."""
        text = self.run("get", kind, "--namespace", namespace, *options, "-o", "json")
        items: list[dict[str, Any]] = json.loads(text)["items"]
        return items

    def wait_ready(self, pod: str, namespace: str) -> None:
        """Wait until a pod is said to be ready.

        A runner claims runs as soon as it can: one may have ended before the kubelet has said that the
        container runs at all, and until then there are neither its logs nor a way into it.
        """
        place = ("--namespace", namespace, "--timeout=120s")
        self.run("wait", f"pod/{pod}", "--for=condition=Ready", *place)

    def apply(self, manifest: Any, namespace: str) -> None:
        """Apply a manifest."""
        self.run("apply", "--namespace", namespace, "-f", "-", stdin=json.dumps(manifest))

    def create(self, manifest: Any, namespace: str) -> None:
        """Create an object."""
        self.run("create", "--namespace", namespace, "-f", "-", stdin=json.dumps(manifest))
