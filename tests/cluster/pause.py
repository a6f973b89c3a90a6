"""The image of the pod's first process, written by hand: one static program and three documents."""

import hashlib
import io
import json
import os
import platform
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from tests.cluster import layout as place
from tests.cluster import progress

SOURCE = Path(__file__).resolve().parent / "pause.c"
OCI = "application/vnd.oci.image"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def ensure() -> Path:
    """Return the archive of the image, made now unless the cache has it."""
    key = hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]
    path = place.cache_folder() / f"pause-{key}.tar"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            part = Path(folder) / "pause.tar"
            part.write_bytes(render_archive(compile_program(Path(folder)), find_architecture()))
            os.replace(part, path)
    return path


def find_architecture() -> str:
    """Return the machine's architecture as images name it."""
    return ARCHITECTURES[platform.machine()]


def compile_program(folder: Path) -> bytes:
    """Compile the program so that it needs nothing beside it."""
    target = folder / "pause"
    progress.run(["gcc", "-static", "-Os", "-s", "-Wall", "-Werror", "-o", str(target), str(SOURCE)])
    return target.read_bytes()


def render_archive(program: bytes, architecture: str) -> bytes:
    """Return an OCI archive whose image runs this program."""
    layer = _pack({"pause": program}, mode=0o755)
    config = _encode(
        {
            "architecture": architecture,
            "os": "linux",
            "config": {"Entrypoint": ["/pause"], "User": "65535:65535"},
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
        }
    )
    manifest = _encode(
        {
            "schemaVersion": 2,
            "mediaType": f"{OCI}.manifest.v1+json",
            "config": _describe(f"{OCI}.config.v1+json", config),
            "layers": [_describe(f"{OCI}.layer.v1.tar", layer)],
        }
    )
    name = {"io.containerd.image.name": place.PAUSE_IMAGE}
    entry = _describe(f"{OCI}.manifest.v1+json", manifest) | {"annotations": name}
    documents = {
        "oci-layout": _encode({"imageLayoutVersion": "1.0.0"}),
        "index.json": _encode({"schemaVersion": 2, "manifests": [entry]}),
    }
    blobs = {f"blobs/sha256/{_digest(blob)[7:]}": blob for blob in (layer, config, manifest)}
    return _pack(documents | blobs, mode=0o644)


def _pack(files: dict[str, bytes], mode: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _describe(media_type: str, blob: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": _digest(blob), "size": len(blob)}


def _digest(blob: bytes) -> str:
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"


def _encode(document: dict[str, Any]) -> bytes:
    return json.dumps(document).encode()
