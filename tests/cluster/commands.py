"""The command lines of the cluster's processes."""

from pathlib import Path

from tests.cluster import layout as place
from tests.cluster.layout import Layout


def render_etcd(layout: Layout) -> list[str]:
    """Return the command line of etcd; a cluster that is thrown away need not survive a power cut."""
    client, peer = "http://127.0.0.1:2379", "http://127.0.0.1:2380"
    return [
        "etcd",
        f"--data-dir={layout.etcd}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--unsafe-no-fsync",
        # The default of 2 GB would end a soak test.
        "--quota-backend-bytes=8589934592",
        "--logger=zap",
        "--log-level=warn",
    ]


def render_containerd(layout: Layout) -> list[str]:
    """Return the command line of containerd."""
    return ["containerd", "--config", str(layout.configs / "containerd.toml"), "--log-level", "warn"]


def render_api_server(layout: Layout, kubernetes: Path) -> list[str]:
    """Return the command line of the API server."""
    pki = layout.pki
    return [
        str(kubernetes),
        "kube-apiserver",
        f"--advertise-address={place.NODE_ADDRESS}",
        f"--bind-address={place.NODE_ADDRESS}",
        "--secure-port=6443",
        "--etcd-servers=http://127.0.0.1:2379",
        "--allow-privileged=true",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        f"--service-cluster-ip-range={place.SERVICE_RANGE}",
        f"--client-ca-file={pki}/ca.crt",
        f"--tls-cert-file={pki}/apiserver.crt",
        f"--tls-private-key-file={pki}/apiserver.key",
        f"--kubelet-certificate-authority={pki}/ca.crt",
        f"--kubelet-client-certificate={pki}/admin.crt",
        f"--kubelet-client-key={pki}/admin.key",
        "--kubelet-preferred-address-types=InternalIP",
        f"--proxy-client-cert-file={pki}/front-proxy.crt",
        f"--proxy-client-key-file={pki}/front-proxy.key",
        f"--requestheader-client-ca-file={pki}/front-proxy-ca.crt",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-key-file={pki}/service-accounts.pub",
        f"--service-account-signing-key-file={pki}/service-accounts.key",
    ]


def render_controller_manager(layout: Layout, kubernetes: Path) -> list[str]:
    """Return the command line of the controller manager, which tests need quicker than its defaults."""
    kubeconfig = layout.configs / "controller-manager.kubeconfig"
    return [
        str(kubernetes),
        "kube-controller-manager",
        *_render_client_flags(kubeconfig),
        "--allocate-node-cidrs=true",
        f"--cluster-cidr={place.POD_RANGE}",
        "--node-cidr-mask-size=20",
        f"--cluster-signing-cert-file={layout.pki}/ca.crt",
        f"--cluster-signing-key-file={layout.pki}/ca.key",
        f"--root-ca-file={layout.pki}/ca.crt",
        f"--service-account-private-key-file={layout.pki}/service-accounts.key",
        "--use-service-account-credentials=true",
        "--kube-api-qps=100",
        "--kube-api-burst=200",
        "--concurrent-gc-syncs=40",
    ]


def render_scheduler(layout: Layout, kubernetes: Path) -> list[str]:
    """Return the command line of the scheduler."""
    kubeconfig = layout.configs / "scheduler.kubeconfig"
    return [
        str(kubernetes),
        "kube-scheduler",
        *_render_client_flags(kubeconfig),
        "--kube-api-qps=100",
        "--kube-api-burst=200",
    ]


def _render_client_flags(kubeconfig: Path) -> list[str]:
    return [
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        "--bind-address=127.0.0.1",
        # There is only one of each; a lease would only be waited for.
        "--leader-elect=false",
    ]


def render_kubelet(layout: Layout, kubernetes: Path) -> list[str]:
    """Return the command line of kubelet."""
    return [
        str(kubernetes),
        "kubelet",
        f"--config={layout.configs}/kubelet.json",
        f"--kubeconfig={layout.configs}/kubelet.kubeconfig",
        f"--hostname-override={place.NODE_NAME}",
        f"--node-ip={place.NODE_ADDRESS}",
    ]


def render_proxy(layout: Layout, kubernetes: Path) -> list[str]:
    """Return the command line of kube-proxy."""
    return [str(kubernetes), "kube-proxy", f"--config={layout.configs}/proxy.json"]


def render_coredns(layout: Layout, coredns: Path) -> list[str]:
    """Return the command line of CoreDNS."""
    return [str(coredns), "-conf", str(layout.configs / "Corefile")]


def render_traefik(traefik: Path) -> list[str]:
    """Return the command line of Traefik; time limits are spelt out because tests rely on them."""
    limits = "transport.respondingtimeouts"
    return [
        str(traefik),
        f"--entrypoints.web.address={place.NODE_ADDRESS}:80",
        f"--entrypoints.web.{limits}.readtimeout=60s",
        f"--entrypoints.web.{limits}.writetimeout=0s",
        f"--entrypoints.web.{limits}.idletimeout=180s",
        f"--entrypoints.websecure.address={place.NODE_ADDRESS}:443",
        f"--entrypoints.websecure.{limits}.readtimeout=60s",
        f"--entrypoints.websecure.{limits}.writetimeout=0s",
        f"--entrypoints.websecure.{limits}.idletimeout=180s",
        f"--entrypoints.traefik.address={place.NODE_ADDRESS}:9000",
        "--serverstransport.forwardingtimeouts.dialtimeout=30s",
        "--serverstransport.forwardingtimeouts.responseheadertimeout=0s",
        "--ping=true",
        "--providers.kubernetesingress=true",
        f"--providers.kubernetesingress.ingressendpoint.ip={place.NODE_ADDRESS}",
        "--global.checknewversion=false",
        "--global.sendanonymoususage=false",
        "--log.level=INFO",
    ]
