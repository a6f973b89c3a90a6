"""The Debian packages that the bare cluster is made of."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cluster import progress
from tests.cluster.errors import ClusterError, Missing

CLUSTER = [
    "etcd-server",
    "containerd",
    "runc",
    "containernetworking-plugins",
    "iptables",
    "conntrack",
    "ipset",
    "iproute2",
    "util-linux",
    "openssl",
    "gcc",
    "libc6-dev",
]
#: For the stories that a real browser tells.
BROWSER = ["chromium"]
IMAGES = ["buildah", "debootstrap"]
#: Debian's Python has its headers in a package of their own; others bring them.
ENGINE = ["gcc", "libc6-dev", "python3-dev"]

POLICY = Path("/usr/sbin/policy-rc.d")


def ensure(wanted: list[str]) -> None:
    """Install what is missing when we may, otherwise say what it is."""
    missing = find_missing(wanted)
    if not missing:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise Missing(f"these Debian packages are missing: {' '.join(missing)}; install them or run as root")
    install(missing)


def find_missing(wanted: list[str]) -> list[str]:
    """Return the packages that dpkg does not have installed."""
    if shutil.which("dpkg-query") is None:
        raise Missing(f"the bare cluster needs Debian with the packages {' '.join(wanted)}")
    return [name for name in wanted if not _is_installed(name)]


def _is_installed(name: str) -> bool:
    try:
        status = progress.run(["dpkg-query", "-W", "-f", "${db:Status-Status} ", name])
    except ClusterError:
        return False
    return "installed" in status.split()


def install(missing: list[str]) -> None:
    """Install packages without starting the services that come with some of them."""
    progress.say(f"Installing Debian packages: {' '.join(missing)}")
    extra = {"DEBIAN_FRONTEND": "noninteractive"}
    with services_kept_down():
        progress.run_long("apt-get update", ["apt-get", "update", "-q"], extra=extra)
        command = ["apt-get", "install", "-q", "-y", "--no-install-recommends", *missing]
        progress.run_long("apt-get install", command, extra=extra)


@contextmanager
def services_kept_down() -> Iterator[None]:
    """Keep Debian from starting etcd and containerd on installation, leaving another's policy alone."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink(missing_ok=True)
