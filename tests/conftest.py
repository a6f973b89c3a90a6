"""Fixtures that need the cluster; what needs none never asks for them."""

import os
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import hypothesis
import pytest
import pytest_asyncio

from scriptorium_client import Client, load_config
from tests.support import engine
from tests.support.kubectl import Kubectl

ROOT = Path(__file__).parents[1]

# How long one example takes says more of the machine than of the code.
hypothesis.settings.register_profile(
    "scriptorium", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("scriptorium")


@pytest.fixture(scope="session")
def kubeconfig() -> str:
    """The test cluster's kubeconfig: never one that happens to be in the environment."""
    path = ROOT / ".cluster" / "kubeconfig"
    assert path.exists(), "no cluster: run `make cluster install` first"
    return str(path)


@pytest.fixture(scope="session")
def kubectl(kubeconfig: str) -> Kubectl:
    """kubectl on the test cluster, with Scriptorium's CRDs in it."""
    os.environ["PATH"] = f"{ROOT / '.cluster' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    found = Kubectl(kubeconfig)
    found.run("apply", "--server-side", "--force-conflicts", "--field-manager=helm", "-f", str(ROOT / "crds"))
    found.run("wait", "--for=condition=Established", "--timeout=60s", "-f", str(ROOT / "crds"))
    return found


@pytest.fixture
def namespace(kubectl: Kubectl) -> Iterator[str]:
    """A namespace of the test's own; its removal is not waited for."""
    name = f"test-{secrets.token_hex(4)}"
    kubectl.run("create", "namespace", name)
    yield name
    kubectl.run("delete", "namespace", name, "--wait=false")


@pytest_asyncio.fixture
async def client(kubeconfig: str, kubectl: Kubectl) -> AsyncIterator[Client]:
    """Our own client, as the cluster's administrator."""
    async with Client(load_config(kubeconfig)) as found:
        yield found


def pytest_addoption(parser: pytest.Parser) -> None:
    """Have tests of the sandbox on the engine that images have, too."""
    parser.addoption("--engine", type=Path, metavar="WHEEL", help="the engine to test with, unless installed")


def pytest_configure(config: pytest.Config) -> None:
    """Take the engine that is asked for, before anything loads another."""
    if (wheel := config.getoption("--engine")) is not None:
        folder = TemporaryDirectory(prefix="engine-")
        config.add_cleanup(folder.cleanup)
        engine.use(wheel, Path(folder.name))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The story that removes the release comes last: all others need it."""
    items.sort(key=lambda item: "uninstall" in item.nodeid)
