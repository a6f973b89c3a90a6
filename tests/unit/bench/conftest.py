"""Servers to put under load."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bench.endpoints import servers


class Moody(BaseHTTPRequestHandler):
    """Answers every tenth request wrongly, and refuses every tenth."""

    protocol_version = "HTTP/1.1"
    asked = 0

    def do_GET(self):
        """Answer."""
        type(self).asked += 1
        mood = type(self).asked % 10
        body = b"other" if mood == 3 else b"hello"
        self.send_response(503 if mood == 7 else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments):
        """Say nothing."""


@pytest.fixture
def moody():
    """Serve, and give where."""
    Moody.asked = 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), Moody)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def nobody():
    """Give a URL where nobody listens."""
    return f"http://127.0.0.1:{servers.find_free_port()}/"
