"""The image's engine in place of the one that is installed, for tests that are run on both."""

import sys
import zipfile
from pathlib import Path

#: A zygote takes no path from its environment.
_ZYGOTE = """
import sys
sys.path.insert(0, {folder!r})
from scriptorium_runner.engine.inside import zygote
zygote.main()
"""


def use(wheel: Path, folder: Path) -> None:
    """Have this process, and zygotes that it begins, load the engine of a wheel; it may have none by now."""
    assert "_quickjs" not in sys.modules, "an engine is loaded already"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    sys.path.insert(0, str(folder))
    from scriptorium_runner.engine.workers import zygote_start

    zygote_start.COMMAND = [sys.executable, "-I", "-c", _ZYGOTE.format(folder=str(folder))]
