"""Every story of this folder that is told in YAML."""

from pathlib import Path

import pytest

from tests.support import stories
from tests.support.kubectl import Kubectl

pytestmark = pytest.mark.cluster

STORIES = sorted(Path(__file__).parent.glob("*/story.yaml"))


@pytest.mark.parametrize("path", STORIES, ids=[path.parent.name for path in STORIES])
@pytest.mark.usefixtures("release")
def test_story(path: Path, kubectl: Kubectl, namespace: str) -> None:
    stories.play(path, kubectl, namespace)
