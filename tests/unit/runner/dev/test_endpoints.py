"""`scriptorium dev` answers requests: a process of its own, and a line for each."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from threading import Thread

import pytest

from tests.support.waiting import until
from tests.unit.runner.dev.manifests import endpoint

ENDPOINT = """
apiVersion: scriptorium.dev/v1alpha1
kind: Endpoint
metadata: {name: hello}
spec:
  host: shop.example.com
  path: /hello
  auth: [{none: {}}]
  script: {source: "return 'VERSION'"}
"""


@contextmanager
def answering(folder: Path, port: int = 0) -> Iterator["Queue[str]"]:
    """Run dev until the test is over; what it tells comes out of the queue."""
    command = [sys.executable, "-m", "scriptorium_runner", "dev", str(folder), "--port", str(port)]
    command += ["--state", str(folder / "state")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    told: Queue[str] = Queue()
    assert process.stderr is not None
    reader = Thread(target=lambda: [told.put(line) for line in process.stderr or ()])
    reader.start()
    try:
        yield told
    finally:
        process.send_signal(signal.SIGINT)
        code = process.wait(timeout=30)
        reader.join(timeout=10)
        process.stderr.close()
    assert code == 0


def wait_for(told: "Queue[str]", word: str) -> str:
    """Give the next line with a word."""
    while word not in (line := told.get(timeout=30)):
        continue
    return line


def write(folder: Path, version: str) -> None:
    draft = folder / "draft"
    draft.write_text(ENDPOINT.replace("VERSION", version))
    os.replace(draft, folder / "endpoint.yaml")


def get(port: str, path: str = "/hello") -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
        return str(answer.read().decode())


def test_endpoints_of_the_files_answer_and_follow_their_changes(tmp_path: Path) -> None:
    with answering(tmp_path) as told:
        wait_for(told, "watching for changes")
        write(tmp_path, "one")
        port = wait_for(told, "Endpoints answer at").partition("127.0.0.1:")[2].partition(",")[0]
        assert get(port) == "one"
        assert " 200 " in wait_for(told, "GET     /hello")
        write(tmp_path, "two")
        until(lambda: get(port) == "two")
        with pytest.raises(urllib.error.HTTPError, match="404"):
            get(port, "/other")
        assert " 404 " in wait_for(told, "GET     /other")


def test_what_keeps_endpoints_from_answering_is_told(tmp_path: Path) -> None:
    twin = endpoint("twin", "/hello", "gone", host="shop.example.com")
    (tmp_path / "twin.yaml").write_text(twin)
    write(tmp_path, "one")
    with answering(tmp_path) as told:
        taken = wait_for(told, "is taken")
        missing = wait_for(told, "an endpoint has no script to answer")
    assert "/hello is taken, GET: Endpoint " in taken
    assert missing.startswith(
        'warning: an endpoint has no script to answer: endpoint twin, problem Script "gone"'
    )


def test_a_port_that_is_taken_is_told_and_the_session_goes_on(tmp_path: Path) -> None:
    write(tmp_path, "one")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with answering(tmp_path, port) as told:
            assert "choose another by --port" in wait_for(told, f"port {port}")
            wait_for(told, "watching for changes")


def test_the_page_is_told_and_answers_and_the_next_session_remembers_the_requests(tmp_path: Path) -> None:
    write(tmp_path, "one")
    with answering(tmp_path) as told:
        port = wait_for(told, "try them at").partition("127.0.0.1:")[2].partition("/")[0]
        assert get(port) == "one"
        assert "<title>Scriptorium" in get(port, "/_scriptorium")
    with answering(tmp_path) as told:
        port = wait_for(told, "try them at").partition("127.0.0.1:")[2].partition("/")[0]
        (found,) = json.loads(get(port, "/_scriptorium/api/requests"))["requests"]
    assert (found["method"], found["path"], found["status"]) == ("GET", "/hello", 200)
    assert (found["endpoint"], found["scriptVersion"]) == ("hello", 1)
