"""What every story needs: the installed release."""

import pytest

from tests.support.kubectl import Kubectl


@pytest.fixture(scope="session")
def release(kubectl: Kubectl) -> str:
    """The namespace of the installed release."""
    name = "scriptorium-system"
    found = kubectl.get("deployment", "scriptorium-operator", name)
    assert found, "Scriptorium is not installed: run `make install` first"
    return name
