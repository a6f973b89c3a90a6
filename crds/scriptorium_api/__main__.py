"""`python -m scriptorium_api FOLDER...` writes the CRDs into each folder."""

import sys
from pathlib import Path

import yaml

from scriptorium_api.crds import build_crds

_HEADER = "# Rendered from the models by `make crds`; change the models instead.\n"


def render_crds() -> dict[str, str]:
    """Give every CRD's file name and text."""
    return {
        name: _HEADER + yaml.safe_dump(crd, sort_keys=False, width=110, allow_unicode=True)
        for name, crd in build_crds().items()
    }


def main(folders: list[str]) -> None:
    """Write the rendered files into each folder."""
    for folder in map(Path, folders):
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in render_crds().items():
            (folder / name).write_text(text)


if __name__ == "__main__":
    main(sys.argv[1:])
