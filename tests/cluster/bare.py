"""The bare cluster: Kubernetes made of its parts, in namespaces of its own, where Docker is not to be had."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.cluster import (
    api,
    cgroups,
    checkout,
    commands,
    configs,
    images,
    leftovers,
    manifests,
    mounts,
    network,
    packages,
    pause,
    pki,
    processes,
    programs,
    progress,
)
from tests.cluster import layout as place
from tests.cluster.errors import ClusterError, Missing, NotReady
from tests.cluster.layout import Layout

LAYOUT = Layout()
KUBECONFIGS = ["admin", "controller-manager", "scheduler", "proxy", "kubelet", "coredns", "traefik"]
#: Generous: on a machine whose processors are all taken, everything takes many times longer.
PATIENCE_SECONDS = 120


def up() -> None:
    """Bring up a Ready cluster, or leave alone the one that is."""
    require_root()
    packages.ensure([*packages.CLUSTER, *packages.BROWSER])
    built = programs.ensure(list_programs())
    started = time.monotonic()
    with locked():
        if is_healthy(LAYOUT):
            progress.say("The cluster is up already.")
            add_missing(LAYOUT, built)
        else:
            remove(LAYOUT)
            create(LAYOUT, built)
            progress.say(f"The cluster is Ready after {time.monotonic() - started:.1f} s.")
        checkout.write(LAYOUT.admin_kubeconfig.read_text(), built["kubernetes"], built["helm"])


def down() -> None:
    """Take down the cluster, or what is left of one."""
    require_root()
    with locked():
        remove(LAYOUT)
    checkout.remove()
    left = leftovers.find(LAYOUT)
    if left:
        raise ClusterError("the cluster left behind:\n" + "\n".join(left))
    progress.say("The cluster is down.")


def load(image: str) -> None:
    """Put an image on the node."""
    require_root()
    if not LAYOUT.containerd_socket.exists():
        raise NotReady("there is no cluster to load an image into; bring it up first")
    images.load(LAYOUT, image)


def require_root() -> None:
    """Say early what would fail later in many odd ways."""
    if os.geteuid() != 0:
        raise Missing("the bare cluster needs root: namespaces, mounts and control groups are its matter")


def locked() -> progress.Lock:
    """Keep two commands from working on the one cluster of the machine at once."""
    return progress.locked(place.cache_folder() / "cluster.lock", "the cluster")


def list_programs() -> list[str]:
    """Return the programs to run; Traefik's long build can be left out by CLUSTER_TRAEFIK=0."""
    without = {"traefik"} if os.environ.get("CLUSTER_TRAEFIK") == "0" else set()
    return [name for name in programs.PROGRAMS if name not in without]


def is_healthy(layout: Layout) -> bool:
    """Tell whether everything that was started still runs and answers."""
    records = processes.read_records(layout)
    # CoreDNS is the last that every cluster has: without it the start was never finished.
    if "coredns" not in records or not all(map(processes.is_alive, records.values())):
        return False
    return api.is_ready(layout) and api.is_node_ready(layout)


def list_processes(built: dict[str, Path]) -> dict[str, list[str]]:
    """Return the command line of every process of the node, in the order of need."""
    kubernetes = built["kubernetes"]
    parts = {
        "etcd": commands.render_etcd(LAYOUT),
        "containerd": commands.render_containerd(LAYOUT),
        "kube-apiserver": commands.render_api_server(LAYOUT, kubernetes),
        "kube-controller-manager": commands.render_controller_manager(LAYOUT, kubernetes),
        "kube-scheduler": commands.render_scheduler(LAYOUT, kubernetes),
        "kubelet": commands.render_kubelet(LAYOUT, kubernetes),
        "kube-proxy": commands.render_proxy(LAYOUT, kubernetes),
        "coredns": commands.render_coredns(LAYOUT, built["coredns"]),
    }
    if "traefik" in built:
        parts["traefik"] = commands.render_traefik(built["traefik"])
    return parts


def create(layout: Layout, built: dict[str, Path]) -> None:
    """Make a cluster from nothing."""
    for folder in layout.folders():
        folder.mkdir(parents=True, exist_ok=True)
    layout.state.chmod(0o700)
    parts = list_processes(built)
    with ThreadPoolExecutor() as threads:
        pause_image = threads.submit(pause.ensure)
        certificates = threads.submit(make_identities, layout)
        network.up(layout)
        mounts.up(layout)
        cgroups.up()
        write_configs(layout)
        start(layout, parts, ["etcd", "containerd"])
        certificates.result()
        start(layout, parts, ["kube-apiserver"])
        images.import_archive(layout, pause_image.result())
    await_part(layout, "kube-apiserver", lambda: api.is_ready(layout))
    start(layout, parts, [name for name in parts if name not in processes.read_records(layout)])
    furnish(layout, "traefik" in built)
    await_ready(layout, "traefik" in built)


def add_missing(layout: Layout, built: dict[str, Path]) -> None:
    """Start what a cluster that was brought up without it is now wanted with."""
    progress.run(network.render_service_route(layout.network_namespace))
    parts = list_processes(built)
    missing = [name for name in parts if name not in processes.read_records(layout)]
    if missing:
        start(layout, parts, missing)
        furnish(layout, "traefik" in built)
        await_ready(layout, "traefik" in built)
        progress.say(f"Started {', '.join(missing)}.")


def make_identities(layout: Layout) -> None:
    """Make certificates and the kubeconfigs that hold them."""
    pki.make(layout.pki)
    for user in KUBECONFIGS:
        path = layout.configs / f"{user}.kubeconfig"
        configs.write(path, configs.render_kubeconfig(layout.pki, user))


def write_configs(layout: Layout) -> None:
    """Write the configuration of every part."""
    folder = layout.configs
    containerd = configs.render_containerd(layout, find_snapshotter(layout), may_lower_oom_score())
    configs.write(folder / "containerd.toml", containerd)
    configs.write(folder / "cni" / "10-scriptorium.conflist", configs.render_network())
    configs.write(folder / "kubelet.json", configs.render_kubelet(layout))
    configs.write(folder / "proxy.json", configs.render_proxy(layout))
    configs.write(folder / "Corefile", configs.render_corefile(layout))
    configs.write(folder / "resolv.conf", "")


def find_snapshotter(layout: Layout) -> str:
    """Return overlayfs where it works on the state's file system, otherwise plain copies."""
    probe = layout.state / "overlay-probe"
    for name in ("lower", "upper", "work", "merged"):
        (probe / name).mkdir(parents=True)
    options = f"lowerdir={probe}/lower,upperdir={probe}/upper,workdir={probe}/work"
    mount = ["mount", "-t", "overlay", "overlay", "-o", options, str(probe / "merged")]
    works = progress.succeeds(["unshare", "--mount", *mount])
    shutil.rmtree(probe)
    return "overlayfs" if works else "native"


def may_lower_oom_score() -> bool:
    """Tell whether a child of ours may ask the kernel to be spared, which containers do."""
    try:
        result = subprocess.run(
            ["sh", "-c", "echo -998 > /proc/self/oom_score_adj"], capture_output=True, check=False
        )
    except OSError:
        return False
    return result.returncode == 0


def start(layout: Layout, parts: dict[str, list[str]], names: list[str]) -> None:
    """Start some of the node's processes."""
    for name in names:
        extra = {"KUBECONFIG": str(layout.configs / "traefik.kubeconfig")} if name == "traefik" else None
        processes.start(layout, name, [*mounts.enter(layout), *parts[name]], extra)


def furnish(layout: Layout, has_traefik: bool) -> None:
    """Apply the objects that a cluster has before its first user."""
    objects = manifests.render_name_service() + (manifests.render_ingress_controller() if has_traefik else [])
    for manifest in objects:
        api.apply(layout, manifest)


def await_ready(layout: Layout, has_traefik: bool) -> None:
    """Wait until a user's first pod would run."""
    account = "/api/v1/namespaces/default/serviceaccounts/default"
    await_part(layout, "kubelet", lambda: api.is_node_ready(layout))
    await_part(layout, "kube-controller-manager", lambda: api.exists(layout, account))
    await_part(layout, "coredns", lambda: api.answers(f"http://{place.NODE_ADDRESS}:8181/ready"))
    if has_traefik:
        await_part(layout, "traefik", lambda: api.answers(f"http://{place.NODE_ADDRESS}:9000/ping"))


def await_part(layout: Layout, name: str, is_true: Callable[[], bool]) -> None:
    """Wait for a part, and if it does not come show the end of its log."""
    record = processes.read_records(layout)[name]
    log = layout.logs / f"{name}.log"
    try:
        progress.wait_until(name, lambda: is_true() or not processes.is_alive(record), PATIENCE_SECONDS)
    except NotReady as e:
        raise NotReady(f"{e}; the end of {log}:\n{read_end(log)}") from e
    if not processes.is_alive(record):
        raise NotReady(f"{name} ended; the end of {log}:\n{read_end(log)}")


def read_end(log: Path) -> str:
    """Return the last lines of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-20:])


def remove(layout: Layout) -> None:
    """End what was started and remove what was made, whatever of it there still is."""
    records = processes.read_records(layout)
    # Kubelet first: it would start again what is ended next.
    processes.end([record for name, record in records.items() if name == "kubelet"])
    cgroups.down()
    processes.end(list(records.values()))
    progress.wait_until("the node's processes end", lambda: end_strays(layout), 20)
    # A shim that was just ended may have left a new process in a pod's group.
    cgroups.down()
    network.down(layout)
    mounts.down(layout)
    for folder in (layout.run, layout.state):
        shutil.rmtree(folder, ignore_errors=True)


def end_strays(layout: Layout) -> bool:
    """End what the node's processes started, such as containerd's shims; tell whether none is left."""
    found = processes.find_in_namespace(layout.network_namespace)
    processes.end_all(found)
    return not found
