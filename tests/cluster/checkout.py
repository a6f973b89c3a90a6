"""What the checkout's .cluster folder tells about the cluster: a kubeconfig and the tools that fit it."""

import shlex
import shutil
from pathlib import Path

from tests.cluster import layout, progress


def write(kubeconfig: str, kubernetes: Path, helm: Path) -> None:
    """Write kubeconfig and tools into the checkout and say how to use them."""
    folder = layout.checkout_folder()
    (folder / "bin").mkdir(parents=True, exist_ok=True)
    write_kubeconfig(kubeconfig)
    kubectl = folder / "bin" / "kubectl"
    kubectl.unlink(missing_ok=True)
    kubectl.write_text(render_kubectl(kubernetes))
    kubectl.chmod(0o755)
    link = folder / "bin" / "helm"
    link.unlink(missing_ok=True)
    link.symlink_to(helm)
    explain()


def write_kubeconfig(content: str) -> None:
    """Write the kubeconfig, which is a key to the cluster, for its owner only."""
    path = layout.checkout_folder() / "kubeconfig"
    path.touch(mode=0o600)
    path.write_text(content)


def render_kubectl(kubernetes: Path) -> str:
    """Return a kubectl that is a part of the one Kubernetes program."""
    return f'#!/bin/sh\nexec {shlex.quote(str(kubernetes))} kubectl "$@"\n'


def explain() -> None:
    """Say how to use the cluster."""
    folder = layout.checkout_folder()
    progress.say(f"  export KUBECONFIG={folder}/kubeconfig")
    progress.say(f"  export PATH={folder}/bin:$PATH")
    progress.say("  kubectl get nodes")


def remove() -> None:
    """Remove what was written."""
    shutil.rmtree(layout.checkout_folder() / "bin", ignore_errors=True)
    (layout.checkout_folder() / "kubeconfig").unlink(missing_ok=True)
