"""The configuration files of the cluster's parts, rendered from the layout."""

import base64
import json
from pathlib import Path
from typing import Any

from tests.cluster import layout as place
from tests.cluster.layout import Layout

PLUGINS = "/usr/lib/cni"


def render_kubeconfig(pki: Path, user: str) -> dict[str, Any]:
    """Return a kubeconfig that holds everything it needs."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": place.CLUSTER_NAME,
        "clusters": [
            {
                "name": place.CLUSTER_NAME,
                "cluster": {"server": place.API_URL, "certificate-authority-data": _encode(pki / "ca.crt")},
            }
        ],
        "users": [
            {
                "name": user,
                "user": {
                    "client-certificate-data": _encode(pki / f"{user}.crt"),
                    "client-key-data": _encode(pki / f"{user}.key"),
                },
            }
        ],
        "contexts": [
            {
                "name": place.CLUSTER_NAME,
                "context": {"cluster": place.CLUSTER_NAME, "user": user, "namespace": "default"},
            }
        ],
    }


def _encode(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def render_kubelet(layout: Layout) -> dict[str, Any]:
    """Return the configuration of kubelet."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": place.NODE_ADDRESS,
        "readOnlyPort": 0,
        "healthzBindAddress": "127.0.0.1",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(layout.pki / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(layout.pki / "kubelet-server.crt"),
        "tlsPrivateKeyFile": str(layout.pki / "kubelet-server.key"),
        "containerRuntimeEndpoint": f"unix://{layout.containerd_socket}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": "/scriptorium",
        "failCgroupV1": False,
        "failSwapOn": False,
        "clusterDNS": [place.DNS_SERVICE_ADDRESS],
        "clusterDomain": "cluster.local",
        # Empty, so that no search domain of the host's reaches a pod.
        "resolvConf": str(layout.configs / "resolv.conf"),
        "maxPods": 200,
        "serializeImagePulls": False,
        # A full disk or little memory is the developer's affair: images loaded by hand must not go.
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "evictionHard": {
            "memory.available": "50Mi",
            "nodefs.available": "1%",
            "nodefs.inodesFree": "1%",
            "imagefs.available": "1%",
        },
    }


def render_proxy(layout: Layout) -> dict[str, Any]:
    """Return the configuration of kube-proxy."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "clusterCIDR": place.POD_RANGE,
        "hostnameOverride": place.NODE_NAME,
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
        "clientConnection": {"kubeconfig": str(layout.configs / "proxy.kubeconfig")},
        # The size of the connection table belongs to the host's kernel: leave it.
        "conntrack": {
            "maxPerCore": 0,
            "min": 0,
            "tcpEstablishedTimeout": "0s",
            "tcpCloseWaitTimeout": "0s",
        },
    }


def render_network() -> dict[str, Any]:
    """Return the CNI configuration: a cable a pod, because a bridge takes twice as long to set up."""
    return {
        "cniVersion": "0.4.0",
        "name": "scriptorium",
        "plugins": [
            {
                "type": "ptp",
                "ipMasq": False,
                "ipam": {
                    "type": "host-local",
                    "ranges": [[{"subnet": place.NODE_POD_RANGE}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            }
        ],
    }


def render_containerd(layout: Layout, snapshotter: str, may_lower_oom_score: bool) -> str:
    """Return the configuration of containerd."""
    return f"""\
version = 2
root = "{layout.containerd_root}"
state = "{layout.run}/containerd"
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.internal.v1.tracing", "io.containerd.tracing.processor.v1.otlp",
]

[grpc]
  address = "{layout.containerd_socket}"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{place.PAUSE_IMAGE}"
  restrict_oom_score_adj = {"false" if may_lower_oom_score else "true"}
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{PLUGINS}"
    conf_dir = "{layout.configs}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "{snapshotter}"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
"""


def render_corefile(layout: Layout) -> str:
    """Return the configuration of CoreDNS, which knows the cluster's names and no others."""
    return f"""\
.:53 {{
    errors
    ready {place.NODE_ADDRESS}:8181
    cache 30
    kubernetes cluster.local in-addr.arpa ip6.arpa {{
        kubeconfig {layout.configs}/coredns.kubeconfig
        pods insecure
        ttl 5
    }}
}}
"""


def write(path: Path, content: str | dict[str, Any]) -> None:
    """Write a configuration; every one of these parts reads JSON where it says YAML."""
    path.write_text(content if isinstance(content, str) else json.dumps(content, indent=2) + "\n")
    path.chmod(0o600)
