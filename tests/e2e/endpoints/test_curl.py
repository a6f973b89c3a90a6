"""How curl, which nobody here wrote, gets along with what the runner says."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.endpoints.conftest import Site

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(shutil.which("curl") is None, reason="this machine has no curl"),
]

ECHO = """
if (request.method !== "POST") return { ...request.query };
return { status: 200, headers: { "x-length": request.body.length }, body: request.body };"""


@pytest.fixture(scope="module")
def served(shared_site: Site) -> Site:
    shared_site.serve("echo", "/echo", ECHO, methods=["GET", "POST"], maxBodyKB=4096, maxResponseKB=4096)
    shared_site.wait_for("/echo")
    return shared_site


def curl(site: Site, *arguments: str) -> bytes:
    """Ask the pool's Service, without anything between; fails with what curl says."""
    direct = site.direct
    resolve = f"{site.host}:{direct.port}:{direct.address}"
    command = ["curl", "--http1.1", "--silent", "--show-error", "--max-time", "60", "--resolve", resolve]
    done = subprocess.run([*command, *arguments], capture_output=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def name_url(site: Site, target: str) -> str:
    return f"http://{site.host}:{site.direct.port}{target}"


def test_curl_reads_two_answers_on_one_connection(served: Site) -> None:
    told = ("--write-out", "\\n%{http_code} %{num_connects}\\n")
    said = curl(served, *told, name_url(served, "/echo?n=1"), *told, name_url(served, "/nobody"))
    lines = said.decode().splitlines()
    assert lines[0] == '{"n":"1"}'
    assert lines[1] == "200 1"
    # A problem leaves the connection as it was.
    assert lines[-1] == "404 0"


def test_curl_asks_before_it_sends_a_large_body(served: Site, tmp_path: Path) -> None:
    file = tmp_path / "body"
    file.write_bytes(bytes(range(256)) * 8192)
    sent = ("--data-binary", f"@{file}", "--header", "Expect: 100-continue")
    assert curl(served, *sent, name_url(served, "/echo")) == file.read_bytes()


def test_curl_sends_a_body_in_chunks(served: Site, tmp_path: Path) -> None:
    file = tmp_path / "body"
    file.write_bytes(b"chunk" * 20000)
    sent = ("--request", "POST", "--upload-file", str(file), "--header", "Transfer-Encoding: chunked")
    assert curl(served, *sent, name_url(served, "/echo")) == file.read_bytes()


def test_curl_sees_the_head_of_what_it_would_get(served: Site) -> None:
    told = ("--head", "--write-out", "%{json}", "--output", "/dev/null")
    facts = json.loads(curl(served, *told, name_url(served, "/echo?n=1")))
    assert facts["http_code"] == 200
    assert facts["content_type"] == "application/json"
    assert facts["size_download"] == 0
