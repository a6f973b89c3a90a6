"""The cluster that kind makes, where Docker works."""

import shutil
import tempfile
import time
from pathlib import Path

from tests.cluster import checkout, layout, progress
from tests.cluster.errors import Missing

TOOLS = ["docker", "kind", "kubectl", "helm"]


def up() -> None:
    """Bring up a cluster, or leave alone the one that is."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        raise Missing(f"kind needs these on PATH: {' '.join(missing)}")
    started = time.monotonic()
    if layout.CLUSTER_NAME in list_clusters():
        progress.say("The cluster is up already.")
    else:
        create = ["kind", "create", "cluster", "--name", layout.CLUSTER_NAME, "--wait", "120s"]
        with tempfile.TemporaryDirectory() as folder:
            # kind also writes a kubeconfig: not into the developer's own.
            progress.run_long("kind", [*create, "--kubeconfig", str(Path(folder) / "kubeconfig")])
        progress.say(f"The cluster is Ready after {progress.describe_duration(time.monotonic() - started)}.")
    layout.checkout_folder().mkdir(exist_ok=True)
    checkout.write_kubeconfig(progress.run(["kind", "get", "kubeconfig", "--name", layout.CLUSTER_NAME]))
    checkout.explain()


def list_clusters() -> list[str]:
    """Return the names of kind's clusters."""
    return progress.run(["kind", "get", "clusters"]).split()


def down() -> None:
    """Take down the cluster if there is one."""
    with tempfile.TemporaryDirectory() as folder:
        kubeconfig = str(Path(folder) / "kubeconfig")
        progress.run(["kind", "delete", "cluster", "--name", layout.CLUSTER_NAME, "--kubeconfig", kubeconfig])
    checkout.remove()
    progress.say("The cluster is down.")


def load(image: str) -> None:
    """Put an image of Docker's, or one in an archive, on the node; kind skips what the node has."""
    kind = "image-archive" if Path(image).is_file() else "docker-image"
    progress.run_long("kind load", ["kind", "load", kind, image, "--name", layout.CLUSTER_NAME])
