"""The models against the table; tests/integration/api runs the same table through the API server."""

import json
from pathlib import Path

import pytest
import yaml

from scriptorium_runner.sources import manifests
from tests.support.manifests import BAD, GOOD, script


@pytest.mark.parametrize("name", GOOD)
def test_the_models_take(name: str, tmp_path: Path) -> None:
    file = tmp_path / "manifest.json"
    file.write_text(json.dumps(GOOD[name]))
    assert manifests.load([file]).problems == []


@pytest.mark.parametrize("name", BAD)
def test_the_models_refuse(name: str, tmp_path: Path) -> None:
    file = tmp_path / "manifest.yaml"
    file.write_text(yaml.safe_dump(BAD[name].manifest))
    problems = manifests.load([file]).problems
    assert len(problems) == 1, problems
    assert BAD[name].words in problems[0].text
    assert problems[0].line >= 1


def test_whether_a_source_is_javascript_is_not_for_the_models_to_say(tmp_path: Path) -> None:
    file = tmp_path / "manifest.json"
    file.write_text(json.dumps(script(source="this is not (")))
    assert manifests.load([file]).problems == []
