"""The chart as helm renders it."""

import os
import subprocess
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
CHART = ROOT / "helm" / "scriptorium"
NAMESPACE = "scriptorium-system"


def attempt_helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run helm, the test cluster's own where there is one."""
    path = f"{ROOT / '.cluster' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["helm", *arguments],
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def attempt_rendering(*options: str) -> subprocess.CompletedProcess[str]:
    """Render the chart; the Kubernetes version is the one that we test on."""
    return attempt_helm(
        "template", "scriptorium", str(CHART), "--namespace", NAMESPACE, "--kube-version", "1.34", *options
    )


def render_all_of(kind: str, *options: str) -> list[dict[str, Any]]:
    """Give the chart's manifests of a kind."""
    return [manifest for manifest in render(*options) if manifest["kind"] == kind]


def render(*options: str) -> list[dict[str, Any]]:
    """Give the chart's manifests."""
    done = attempt_rendering(*options)
    assert done.returncode == 0, done.stderr
    return [manifest for manifest in yaml.safe_load_all(done.stdout) if manifest]


def render_one(kind: str, name: str, *options: str) -> dict[str, Any]:
    """Give one of the chart's manifests."""
    found = [
        manifest
        for manifest in render(*options)
        if (manifest["kind"], manifest["metadata"]["name"]) == (kind, name)
    ]
    assert len(found) == 1, f"{len(found)} of {kind} {name}"
    return found[0]
