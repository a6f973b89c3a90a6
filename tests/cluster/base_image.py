"""The image that others are built on where no registry is to be had: Debian with Python, by debootstrap."""

import hashlib
import os
import shutil
import tempfile
import time
from pathlib import Path

from tests.cluster import bare, layout, packages, progress

NAME = "localhost/scriptorium-base:bookworm"
SUITE = "bookworm"
PACKAGES = ["python3", "python3-venv", "ca-certificates"]
KEY_LABEL = "scriptorium.dev/base-key"


def ensure() -> None:
    """Make sure that buildah has the base image, out of the cache if that has it."""
    bare.require_root()
    packages.ensure(packages.IMAGES)
    key = compute_key(SUITE, PACKAGES)
    if find_key() == key:
        progress.say(f"{NAME} is there already.")
        return
    started = time.monotonic()
    with progress.locked(layout.cache_folder() / "base.lock", "the base image"):
        pull(ensure_archive(key))
    progress.say(f"Made {NAME} in {progress.describe_duration(time.monotonic() - started)}.")


def compute_key(suite: str, names: list[str]) -> str:
    """Name what the image is made of."""
    return hashlib.sha256(" ".join([suite, *sorted(names)]).encode()).hexdigest()[:16]


def find_key() -> str | None:
    """Return the key of the image that buildah has, if it has one."""
    template = f'{{{{index .OCIv1.Config.Labels "{KEY_LABEL}"}}}}'
    command = ["buildah", "inspect", "--type", "image", "--format", template, NAME]
    return progress.run(command).strip() if progress.succeeds(command) else None


def ensure_archive(key: str) -> Path:
    """Return the archive of the image, made now unless the cache has it."""
    path = layout.cache_folder() / f"base-{key}.tar"
    if not path.exists():
        with tempfile.TemporaryDirectory(dir=path.parent, prefix="base-") as folder:
            root, part = Path(folder) / "root", Path(folder) / "image.tar"
            bootstrap(root)
            tidy(root)
            commit(root, key)
            progress.run(["buildah", "push", "--quiet", NAME, f"oci-archive:{part}:{NAME}"])
            os.replace(part, path)
    return path


def bootstrap(root: Path) -> None:
    """Make Debian's smallest root folder with Python in it."""
    # Without a mirror of one's own debootstrap takes Debian's.
    mirror = [named] if (named := os.environ.get("CLUSTER_DEBIAN_MIRROR")) else []
    include = f"--include={','.join(PACKAGES)}"
    # debootstrap mounts /proc and /sys; in a mount namespace of its own they go with it.
    command = ["unshare", "--mount", "debootstrap", "--variant=minbase", include, SUITE, str(root), *mirror]
    progress.run_long("debootstrap", command)


def tidy(root: Path) -> None:
    """Remove what debootstrap downloaded and what a container finds out by itself."""
    for name in ("var/cache/apt/archives", "var/lib/apt/lists"):
        shutil.rmtree(root / name)
        (root / name).mkdir()
    for name in ("etc/hostname", "etc/resolv.conf", "var/log/bootstrap.log"):
        (root / name).unlink(missing_ok=True)


def commit(root: Path, key: str) -> None:
    """Turn a root folder into an image of buildah's."""
    container = progress.run(["buildah", "from", "scratch"]).strip()
    try:
        progress.run(["buildah", "copy", "--quiet", container, str(root), "/"])
        settings = ["--env", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
        settings += ["--env", "LANG=C.UTF-8", "--cmd", "python3", "--label", f"{KEY_LABEL}={key}"]
        progress.run(["buildah", "config", *settings, container])
        progress.run(["buildah", "commit", "--quiet", container, NAME])
    finally:
        progress.run(["buildah", "rm", container])


def pull(archive: Path) -> None:
    """Put the image of an archive into buildah's storage under its name."""
    identity = progress.run(["buildah", "pull", "--quiet", f"oci-archive:{archive}"]).split()[-1]
    progress.run(["buildah", "tag", identity, NAME])
