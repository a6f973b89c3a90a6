"""`python -m scriptorium_api` writes the CRDs, for the repository and the chart, and the field reference."""

from pathlib import Path
from typing import Any

import yaml

from scriptorium_api.crds import build_crds
from scriptorium_api.reference import render_reference

_HEADER = "# Rendered from the models by `make crds`; change the models instead.\n"


class _Dumper(yaml.SafeDumper):
    """YAML without anchors: a part that stands twice is written twice, as people and diffs expect."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def render_crds() -> dict[str, str]:
    """Give every CRD's file name and text."""
    return {
        name: _HEADER + yaml.dump(crd, Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True)
        for name, crd in build_crds().items()
    }


def main(root: Path) -> None:
    """Write the rendered files into a checkout."""
    for folder in (root / "crds", root / "helm" / "scriptorium" / "files" / "crds"):
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in render_crds().items():
            (folder / name).write_text(text)
    (root / "docs" / "api.md").write_text(render_reference())


if __name__ == "__main__":
    main(Path.cwd())
