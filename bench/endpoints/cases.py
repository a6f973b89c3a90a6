"""What is asked for: the scripts, and how many clients ask for each at once. Pure.

Every server runs the same source; only a bare handler, which has no engine, answers in its own language.
"""

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from scriptorium_api.names import API_VERSION

#: So few that the latency is of one request alone; a common load; more than there are workers; far more.
HELLO_CLIENTS = (1, 20, 100, 500)
USUAL, MOST = 20, HELLO_CLIENTS[-1]
#: More than a few clients only queue for the cores that compute.
WORK_CLIENTS = (1, 20)
WAIT_CLIENTS = (20, 100)
WAIT_SECONDS = 0.1
WAITED = "waited"

_WORK = """\
let sum = 0;
for (let i = 0; i < STEPS; i++) sum = (sum * 31 + i) % 1000003;
return String(sum);"""
_WAIT = "return (await http.get(ADDRESS)).text();"


@dataclass(frozen=True, slots=True)
class Case:
    """One script, and the loads it is put under."""

    name: str
    source: str
    expected: str
    clients: tuple[int, ...]
    reaches: str | None = None
    """What the script must be allowed to reach: host and port."""

    @property
    def path(self) -> str:
        """Give where it is served."""
        return f"/{self.name}"


HELLO = Case("hello", 'return "hello"', "hello", HELLO_CLIENTS)


def build_work(steps: int) -> Case:
    """Give the script that computes, with so many steps."""
    source = _WORK.replace("STEPS", str(steps))
    return Case("work", source, str(compute_work(steps)), WORK_CLIENTS)


def compute_work(steps: int) -> int:
    """Give what the script that computes has to answer."""
    total = 0
    for step in range(steps):
        total = (total * 31 + step) % 1000003
    return total


def build_wait(upstream: str) -> Case:
    """Give the script that waits for another server."""
    source = _WAIT.replace("ADDRESS", f'"{upstream}"')
    return Case("wait", source, WAITED, WAIT_CLIENTS, urlsplit(upstream).netloc)


def count_clients(count: int) -> str:
    """Say how many there are."""
    return "1 client" if count == 1 else f"{count} clients"


def build_manifests(cases: list[Case], host: str | None = None) -> list[dict[str, object]]:
    """Give a Script and an Endpoint for each case."""
    return [manifest for case in cases for manifest in (_build_script(case), _build_endpoint(case, host))]


def _build_script(case: Case) -> dict[str, object]:
    permissions = {"permissions": {"http": {"allow": [case.reaches]}}} if case.reaches else {}
    return {
        "apiVersion": API_VERSION,
        "kind": "Script",
        "metadata": {"name": case.name},
        "spec": {"source": case.source} | permissions,
    }


def _build_endpoint(case: Case, host: str | None) -> dict[str, object]:
    spec = {
        "path": case.path,
        "methods": ["GET"],
        "auth": [{"none": {}}],
        "scriptRef": {"name": case.name},
    }
    return {
        "apiVersion": API_VERSION,
        "kind": "Endpoint",
        "metadata": {"name": case.name},
        "spec": ({"host": host} if host else {}) | spec,
    }


def find_network(upstream: str) -> str:
    """Give the private range that has just the address of a server to wait for."""
    return str(ipaddress.ip_network(str(urlsplit(upstream).hostname)))
