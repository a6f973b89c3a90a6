"""The image has the modules of a run's pod in one file."""

import json

import pytest

from tests.support.kubectl import Kubectl

#: Imports what the pod of a slot imports, and says by what each module was loaded.
LOOK = """
import json, sys
from collections import Counter
from scriptorium_runner.own_pod import bundle
before = {*sys.modules}
bundle.use()
from scriptorium_runner.own_pod import make_bundle
make_bundle.import_all()
loaders = (type(getattr(sys.modules[name], "__loader__", None)) for name in {*sys.modules} - before)
print(json.dumps(Counter(loader.__name__ for loader in loaders)))
"""

pytestmark = pytest.mark.cluster


@pytest.mark.usefixtures("release")
def test_what_a_run_s_pod_imports_comes_from_the_file_of_the_image(kubectl: Kubectl) -> None:
    place = ("deployment/scriptorium-operator", "--namespace", "scriptorium-system")
    code = kubectl.run("exec", *place, "--", "/opt/scriptorium/bin/python", "-c", LOOK)
    found = json.loads(code)
    assert found["_Loader"] > 200
    # The one that makes the file is no part of it.
    assert found["SourceFileLoader"] == 1
