"""What callers get, through the ingress controller where it leaves requests as they are."""

import http.client
import json
import socket

import pytest

from tests.e2e.endpoints.conftest import Site
from tests.support.waiting import until

pytestmark = pytest.mark.cluster

SAY = "return request.json()"
SHOW = """
const { method, path, params, query, cookies, id } = request;
return { method, path, params, query, cookies, id, agent: request.headers["x-agent"] };"""
ECHO = 'return { status: 200, headers: { "content-type": "image/png" }, body: request.body }'
BUSY = "for (;;);"


@pytest.fixture(scope="module")
def served(shared_site: Site) -> Site:
    site = shared_site
    site.apply("orders", "/orders/{id}", SHOW, methods=["GET", "PUT"])
    site.apply("files", "/files/{path...}", "return request.params")
    site.apply("echo", "/echo", ECHO, methods=["POST"], maxBodyKB=1024)
    site.apply("say", "/say", SAY, methods=["POST"], responseHeaders={"X-Team": "shop"})
    site.apply("fails", "/fails", 'console.log("one line"); throw new Error("a detail")')
    site.apply("debug", "/debug", 'console.log("one line"); throw new Error("a detail")', debug=True)
    site.apply("busy", "/busy", BUSY, timeoutSeconds=1)
    site.apply("asleep", "/asleep", "return 1", suspend=True)
    site.apply("shaped", "/shaped", SAY, methods=["POST"], requestSchema=SCHEMA)
    site.apply("few", "/few", "return 1", rateLimit={"requests": 2, "perSeconds": 3600})
    site.apply("cors", "/cors", "return 1", methods=["GET", "PUT"], cors=CORS)
    for name in ("orders", "files", "echo", "say", "fails", "debug", "busy", "shaped", "few", "cors"):
        site.wait(name, "Ready")
    site.wait_for("/orders/1")
    site.wait_for("/files/a")
    return site


SCHEMA = {
    "body": {
        "type": "object",
        "required": ["count"],
        "properties": {"count": {"type": "integer", "minimum": 1}},
    }
}
CORS = {"origins": ["https://app.example.com"], "headers": ["X-Own"], "credentials": True, "maxAge": 60}


def test_a_script_sees_what_was_asked(served: Site) -> None:
    target = "/orders/a%20b?tag=x&tag=y&n=1"
    reply = served.visitor.send(
        "PUT", target, b"", {"X-Agent": "a", "Cookie": "sid=7; t=%20", "X-Request-Id": "order-7"}
    )
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["x-request-id"] == "order-7"
    assert reply.json() == {
        "method": "PUT",
        "path": "/orders/a%20b",
        "params": {"id": "a b"},
        "query": {"tag": ["x", "y"], "n": "1"},
        "cookies": {"sid": "7", "t": "%20"},
        "id": "order-7",
        "agent": "a",
    }


def test_a_wildcard_takes_the_rest(served: Site) -> None:
    assert served.visitor.get("/files/a/b/c.txt").json() == {"path": "a/b/c.txt"}


@pytest.mark.parametrize(
    "target",
    [
        "/orders//1",
        "/orders/./1",
        "/orders/x/../1",
        "/orders/%2e%2e",
        "/orders/a%2Fb",
        "/orders/%41",
        "/orders/%zz",
    ],
)
def test_a_path_that_is_not_canonical_is_refused_by_the_runner(served: Site, target: str) -> None:
    reply = served.direct.get(target)
    assert reply.status == 400
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json()["requestId"] == reply.headers["x-request-id"]


def test_what_nobody_serves_is_not_found(served: Site) -> None:
    for target in ("/orders", "/orders/1/2", "/ORDERS/1", "/asleep"):
        assert served.visitor.get(target).status == 404, target


def test_a_method_that_is_not_served_is_told_which_are(served: Site) -> None:
    reply = served.visitor.send("DELETE", "/orders/1")
    assert (reply.status, reply.headers["allow"]) == (405, "GET, HEAD, OPTIONS, PUT")
    options = served.visitor.send("OPTIONS", "/orders/1")
    assert (options.status, options.headers["allow"], options.body) == (204, "GET, HEAD, OPTIONS, PUT", b"")


def test_head_is_get_without_a_body(served: Site) -> None:
    whole, head = served.visitor.get("/files/a"), served.visitor.send("HEAD", "/files/a")
    assert head.status == 200
    assert head.body == b""
    assert head.headers["content-length"] == str(len(whole.body))


def test_bytes_go_both_ways_unchanged(served: Site) -> None:
    body = bytes(range(256)) * 4096
    reply = served.visitor.send("POST", "/echo", body)
    assert (reply.status, reply.headers["content-type"]) == (200, "image/png")
    assert reply.body == body


@pytest.mark.parametrize(
    ("said", "status", "body"),
    [
        ({"status": 201, "body": "made"}, 201, b"made"),
        ({"status": 302, "headers": {"Location": "/orders/1"}}, 302, b""),
        ({"status": 200, "body": {"a": [1]}}, 200, b'{"a":[1]}'),
        ({"status": 200, "more": 1}, 200, b'{"status":200,"more":1}'),
        ([1, 2], 200, b"[1,2]"),
        (None, 204, b""),
    ],
)
def test_what_a_script_returns_is_the_answer(served: Site, said: object, status: int, body: bytes) -> None:
    reply = served.visitor.post("/say", said)
    assert (reply.status, reply.body) == (status, body)
    assert reply.headers["x-team"] == "shop"


def test_several_cookies_are_several_lines(served: Site) -> None:
    connection = http.client.HTTPConnection(served.controller, 80, timeout=30)
    said = {"status": 204, "headers": {"Set-Cookie": ["a=1; Path=/", "b=2, 3"]}}
    connection.request("POST", "/say", json.dumps(said), {"Host": served.host})
    answer = connection.getresponse()
    assert answer.headers.get_all("Set-Cookie") == ["a=1; Path=/", "b=2, 3"]
    connection.close()


@pytest.mark.parametrize(
    "said",
    [
        {"status": 99},
        {"status": 200.5},
        {"status": 200, "headers": {"X-A": "b\r\nX-C: d"}},
        {"status": 200, "headers": {"Content-Length": "3"}},
        {"status": 204, "body": "x"},
    ],
)
def test_an_answer_that_is_none_is_an_error_of_the_script(served: Site, said: object) -> None:
    reply = served.visitor.post("/say", said)
    assert reply.status == 500
    assert set(reply.json()) == {"type", "title", "status", "requestId"}


def test_a_script_that_fails_tells_nothing_but_an_id(served: Site) -> None:
    reply = served.visitor.get("/fails")
    assert reply.status == 500
    assert reply.json()["requestId"] == reply.headers["x-request-id"]
    assert b"detail" not in reply.body
    assert b"one line" not in reply.body


def test_with_debug_it_tells_what_went_wrong(served: Site) -> None:
    reply = served.visitor.get("/debug")
    assert reply.status == 500
    assert b"a detail" in reply.body
    assert b"one line" in reply.body


def test_a_script_that_takes_too_long_is_a_gateway_timeout(served: Site) -> None:
    assert served.visitor.get("/busy").status == 504


def test_a_body_that_does_not_fit_its_schema_is_told_the_field(served: Site) -> None:
    assert served.visitor.post("/shaped", {"count": 1}).status == 200
    reply = served.visitor.post("/shaped", {"count": 0})
    assert reply.status == 400
    assert "count" in reply.body.decode()
    assert served.visitor.send("POST", "/shaped", b"{}", {"Content-Type": "text/plain"}).status == 415


def test_who_asks_too_often_is_told_when_to_come_back(served: Site) -> None:
    statuses = [served.visitor.get("/few").status for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert int(served.visitor.get("/few").headers["retry-after"]) > 0


def test_a_browser_may_ask_from_a_named_origin_alone(served: Site) -> None:
    preflight = {"Origin": "https://app.example.com", "Access-Control-Request-Method": "PUT"}
    allowed = served.visitor.send("OPTIONS", "/cors", headers=preflight)
    assert allowed.status == 204
    assert allowed.headers["access-control-allow-origin"] == "https://app.example.com"
    assert allowed.headers["access-control-allow-credentials"] == "true"
    assert allowed.headers["access-control-max-age"] == "60"
    assert "PUT" in allowed.headers["access-control-allow-methods"]
    stranger = served.visitor.send("OPTIONS", "/cors", headers=preflight | {"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in stranger.headers
    assert served.visitor.get("/cors", Origin="https://app.example.com").headers["vary"] == "Origin"


def test_a_body_that_is_too_large_is_refused_before_it_is_read(served: Site) -> None:
    direct = served.direct
    with socket.create_connection((direct.address, direct.port), 30) as connection:
        head = f"POST /echo HTTP/1.1\r\nHost: {served.host}\r\nContent-Length: {10 * 1024 * 1024}\r\n\r\n"
        connection.sendall(head.encode() + b"x" * 1000)
        assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")
    assert served.visitor.send("POST", "/echo", b"x" * (1024 * 1024 + 1)).status == 413


def test_a_run_ends_with_its_caller(served: Site) -> None:
    served.serve("forever", "/forever", BUSY)
    direct = served.direct
    until(lambda: direct.send("OPTIONS", "/forever").status == 204, 10, "the runner knows the Endpoint")
    with socket.create_connection((direct.address, direct.port), 30) as connection:
        connection.sendall(f"GET /forever HTTP/1.1\r\nHost: {served.host}\r\n\r\n".encode())
        until(lambda: count_in_flight(served) == 1, 30, "the request is being worked on")
    until(lambda: count_in_flight(served) == 0, 10, "the request was given up")


def count_in_flight(site: Site) -> int:
    (pod,) = site.kubectl.list("pods", site.namespace, "-l", "app.kubernetes.io/component=runner")
    connection = http.client.HTTPConnection(pod["status"]["podIP"], 8081, timeout=30)
    connection.request("GET", "/metrics")
    lines = connection.getresponse().read().decode().splitlines()
    connection.close()
    return sum(int(float(line.rpartition(" ")[2])) for line in lines if line.startswith(IN_FLIGHT))


IN_FLIGHT = "scriptorium_endpoint_in_flight"
