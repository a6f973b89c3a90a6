"""Where the bare cluster lives: addresses, folders and names. One cluster a machine."""

import os
from dataclasses import dataclass
from pathlib import Path

HOST_ADDRESS = "10.99.0.1"
NODE_ADDRESS = "10.99.0.2"
LINK_PREFIX = 30
POD_RANGE = "10.98.0.0/16"
#: The node's own part of the pod range: the first block the controller manager hands out.
NODE_POD_RANGE = "10.98.0.0/20"
SERVICE_RANGE = "10.96.0.0/16"
API_SERVICE_ADDRESS = "10.96.0.1"
DNS_SERVICE_ADDRESS = "10.96.0.10"
API_URL = f"https://{NODE_ADDRESS}:6443"

NODE_NAME = "node"
CLUSTER_NAME = "scriptorium"
HOST_LINK = "scriptorium0"
NODE_LINK = "eth0"
PAUSE_IMAGE = "localhost/pause:1"
CONTAINERD_NAMESPACE = "k8s.io"

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Layout:
    """Every folder and file of the bare cluster."""

    state: Path = Path("/var/lib/scriptorium-cluster")
    run: Path = Path("/run/scriptorium-cluster")

    @property
    def pki(self) -> Path:
        """Certificates and keys."""
        return self.state / "pki"

    @property
    def configs(self) -> Path:
        """Rendered configuration files."""
        return self.state / "configs"

    @property
    def logs(self) -> Path:
        """One log file a process."""
        return self.state / "logs"

    @property
    def records(self) -> Path:
        """One record a process, by which it is known again."""
        return self.state / "records"

    @property
    def hidden(self) -> Path:
        """What the node sees in place of the host's own folders."""
        return self.state / "hidden"

    @property
    def loaded(self) -> Path:
        """Which image ID was put on the node under which name."""
        return self.state / "loaded"

    @property
    def etcd(self) -> Path:
        """The data of etcd."""
        return self.state / "etcd"

    @property
    def containerd_root(self) -> Path:
        """Images and snapshots."""
        return self.state / "containerd"

    @property
    def containerd_socket(self) -> Path:
        """Where containerd listens."""
        return self.run / "containerd.sock"

    @property
    def network_namespace(self) -> Path:
        """The handle that keeps the network namespace alive."""
        return self.run / "netns"

    @property
    def admin_kubeconfig(self) -> Path:
        """The kubeconfig of the cluster's administrator."""
        return self.configs / "admin.kubeconfig"

    def folders(self) -> list[Path]:
        """Every folder that has to exist before anything starts."""
        return [
            self.state,
            self.run,
            self.pki,
            self.configs,
            self.logs,
            self.records,
            self.hidden,
            self.loaded,
            self.etcd,
            self.containerd_root,
            self.configs / "cni",
        ]


def cache_folder() -> Path:
    """The folder for what is slow to make and worth keeping between clusters."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "scriptorium"


def checkout_folder() -> Path:
    """The folder in the checkout that tells its users how to reach the cluster."""
    return CHECKOUT / ".cluster"
