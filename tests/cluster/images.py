"""Putting images on the bare cluster's node."""

import io
import json
import tarfile
import tempfile
import time
from pathlib import Path

from tests.cluster import layout as place
from tests.cluster import packages, progress
from tests.cluster.errors import ClusterError, CommandFailed
from tests.cluster.layout import Layout

IMAGE_NAME = "io.containerd.image.name"
REFERENCE_NAME = "org.opencontainers.image.ref.name"


def load(layout: Layout, image: str) -> None:
    """Put an image on the node, from an OCI archive or from buildah's storage."""
    if Path(image).is_file():
        import_archive(layout, Path(image))
        progress.say(f"Loaded {', '.join(read_names(Path(image))) or image}.")
    else:
        load_built(layout, image)


def load_built(layout: Layout, image: str) -> None:
    """Put an image of buildah's on the node, unless exactly this one is there."""
    packages.ensure(packages.IMAGES)
    started = time.monotonic()
    identity = find_identity(image)
    record = layout.loaded / image.replace("/", "_")
    if record.exists() and record.read_text() == identity and image in list_names(layout):
        progress.say(f"{image} is on the node already.")
        return
    with tempfile.TemporaryDirectory(prefix="scriptorium-load-") as folder:
        archive = Path(folder) / "image.tar"
        # Not as an OCI archive: that would compress each layer only for containerd to undo it.
        progress.run(["buildah", "push", "--quiet", image, f"docker-archive:{archive}:{image}"])
        import_named(layout, archive, [image])
    record.write_text(identity)
    progress.say(f"Loaded {image} in {progress.describe_duration(time.monotonic() - started)}.")


def find_identity(image: str) -> str:
    """Return the ID of an image of buildah's."""
    try:
        command = ["buildah", "inspect", "--type", "image", "--format", "{{.FromImageID}}", image]
        return progress.run(command).strip()
    except CommandFailed as e:
        raise ClusterError(
            f"{image} is neither a file nor an image that buildah has; give its whole name, "
            "as `buildah images` shows it"
        ) from e


def list_names(layout: Layout) -> list[str]:
    """Return the names of the images on the node."""
    return progress.run([*render_ctr(layout), "image", "list", "--quiet"]).split()


def import_archive(layout: Layout, archive: Path) -> None:
    """Import an OCI archive under the name that it carries."""
    names = read_names(archive)
    if not names:
        raise ClusterError(
            f"{archive} names no image; make it with `buildah push IMAGE oci-archive:FILE:IMAGE`"
        )
    import_named(layout, archive, names)


def import_named(layout: Layout, archive: Path, names: list[str]) -> None:
    """Import an archive and make sure that the node knows its images by these names."""
    # containerd answers some moments after its socket is there.
    progress.wait_until("containerd", lambda: progress.succeeds([*render_ctr(layout), "version"]), 60)
    command = [
        *render_ctr(layout),
        "image",
        "import",
        "--base-name",
        names[0].rpartition(":")[0],
        str(archive),
    ]
    progress.run(command)
    missing = sorted(set(names) - set(list_names(layout)))
    if missing:
        raise ClusterError(f"{archive} was imported but {', '.join(missing)} is not on the node")


def render_ctr(layout: Layout) -> list[str]:
    """Return the words that talk to the node's containerd about kubelet's images."""
    return ["ctr", "--address", str(layout.containerd_socket), "--namespace", place.CONTAINERD_NAMESPACE]


def read_names(archive: Path) -> list[str]:
    """Return the names of the images in an OCI archive."""
    with tarfile.open(archive) as tar:
        try:
            file = tar.extractfile("index.json")
        except KeyError as e:
            raise ClusterError(f"{archive} is no OCI archive: it has no index.json") from e
        content = (file or io.BytesIO(b"{}")).read()
    return parse_names(content)


def parse_names(index: bytes) -> list[str]:
    """Read the names of the images in an OCI index."""
    annotations = [entry.get("annotations", {}) for entry in json.loads(index).get("manifests", [])]
    names = [each.get(IMAGE_NAME) or each.get(REFERENCE_NAME) for each in annotations]
    return [name for name in names if name]
