"""The network namespace of the cluster, and the one cable that joins it to the host."""

from pathlib import Path

from tests.cluster import layout as place
from tests.cluster import processes, progress
from tests.cluster.layout import Layout


def render_up_commands(handle: Path) -> list[list[str]]:
    """Return the commands that make the namespace and join it to the host."""
    node = enter(handle)
    links = [
        ["unshare", f"--net={handle}", "true"],
        ["ip", "link", "add", place.HOST_LINK, "type", "veth", "peer", "name", "scriptorium1"],
        ["ip", "link", "set", "scriptorium1", "netns", str(handle)],
        ["ip", "address", "add", f"{place.HOST_ADDRESS}/{place.LINK_PREFIX}", "dev", place.HOST_LINK],
        ["ip", "link", "set", place.HOST_LINK, "up"],
        [*node, "ip", "link", "set", "scriptorium1", "name", place.NODE_LINK],
        [*node, "ip", "address", "add", f"{place.NODE_ADDRESS}/{place.LINK_PREFIX}", "dev", place.NODE_LINK],
        [*node, "ip", "link", "set", "lo", "up"],
        [*node, "ip", "link", "set", place.NODE_LINK, "up"],
        [*node, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"],
    ]
    ranges = [place.POD_RANGE, place.SERVICE_RANGE]
    # There is no default route in the namespace: nothing that runs in it can leave the machine.
    routes = [["ip", "route", "add", each, "via", place.NODE_ADDRESS] for each in ranges]
    return [*links, render_service_route(handle), *routes]


def render_service_route(handle: Path) -> list[str]:
    """Return the command that lets the node's own processes begin a connection to a Service.

    The API server does when it asks a webhook. The kernel wants a route before kube-proxy's rules send the
    connection to a pod; which one does not matter. Pods and the host come in from outside and need none.
    """
    return [*enter(handle), "ip", "route", "replace", place.SERVICE_RANGE, "dev", place.NODE_LINK]


def enter(handle: Path) -> list[str]:
    """Return the words that run a command in the namespace.

    Not `ip netns exec`: that mounts /sys anew and hides the cgroups from kubelet.
    """
    return ["nsenter", f"--net={handle}"]


def up(layout: Layout) -> None:
    """Make the namespace and join it to the host."""
    layout.network_namespace.touch()
    for command in render_up_commands(layout.network_namespace):
        progress.run(command)


def down(layout: Layout) -> None:
    """Remove the cable, with it the routes, and let go of the namespace."""
    if has_link():
        progress.run(["ip", "link", "delete", place.HOST_LINK])
    if processes.is_namespace(layout.network_namespace):
        progress.run(["umount", str(layout.network_namespace)])


def has_link() -> bool:
    """Tell whether the host's end of the cable exists."""
    return (Path("/sys/class/net") / place.HOST_LINK).exists()
