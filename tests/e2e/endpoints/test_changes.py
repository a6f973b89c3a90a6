"""What callers notice while things change: nothing but the new answers."""

import pytest

from tests.e2e.conftest import Operator
from tests.e2e.endpoints.conftest import Site
from tests.support.manifests import pool
from tests.support.visitors import keep_calling, wait_for_more
from tests.support.waiting import until

pytestmark = pytest.mark.cluster

RUNNERS = ("-l", "app.kubernetes.io/component=runner")


def test_a_changed_script_answers_without_a_request_lost(site: Site) -> None:
    site.serve("version", "/version", 'return "1"')
    site.wait_for("/version")
    with keep_calling(site.visitor, "/version") as crowd:
        for version in range(2, 6):
            wait_for_more(crowd, 20)
            body = str(version).encode()
            site.apply("version", "/version", f'return "{version}"')
            until(lambda body=body: crowd.answers[(200, body)], 30, "the new version answers")
    assert crowd.failures == []
    assert {status for status, _ in crowd.answers} == {200}
    assert {body for _, body in crowd.answers} == {b"1", b"2", b"3", b"4", b"5"}
    assert site.visitor.get("/version").body == b"5"


def test_a_source_that_is_no_javascript_leaves_the_former_one_serving(site: Site) -> None:
    place = ("--namespace", site.namespace)
    site.kubectl.run("create", "configmap", "code", "--from-literal=main.js=return 'good'", *place)
    code = {"sourceFrom": {"configMapKeyRef": {"name": "code", "key": "main.js"}}}
    site.serve("mapped", "/mapped", "", script=code)
    site.wait_for("/mapped")
    broken = '{"data": {"main.js": "return ("}}'
    site.kubectl.run("patch", "configmap", "code", *place, "--type=merge", "-p", broken)
    until(lambda: "SyntaxError" in site.explain("mapped"), 60, "the Endpoint says what is wrong")
    assert site.visitor.get("/mapped").body == b"good"


def list_runners(site: Site) -> set[str]:
    return {pod["metadata"]["uid"] for pod in site.kubectl.list("pods", site.namespace, *RUNNERS)}


def test_a_rollout_of_the_pool_loses_no_request(site: Site) -> None:
    site.kubectl.create(pool(replicas=2, workersPerRunner=4), site.namespace)
    site.serve("hello", "/hello", 'return "hello"')
    site.kubectl.run(
        "wait", "rp/default", "--namespace", site.namespace, "--for=condition=Ready", "--timeout=120s"
    )
    site.wait_for("/hello")
    before = list_runners(site)
    with keep_calling(site.visitor, "/hello") as crowd:
        wait_for_more(crowd, 50)
        place = ("deployment/scriptorium-runner-default", "--namespace", site.namespace)
        site.kubectl.run("rollout", "restart", *place)
        site.kubectl.run("rollout", "status", *place, "--timeout=180s")
        until(lambda: not before & list_runners(site), 120, "the former pods are gone")
        wait_for_more(crowd, 50)
    assert crowd.failures == []
    assert set(crowd.answers) == {(200, b"hello")}


def test_a_pool_that_is_scaled_down_loses_no_request(site: Site) -> None:
    site.kubectl.create(pool(replicas=2, workersPerRunner=4), site.namespace)
    site.serve("hello", "/hello", 'return "hello"')
    place = ("rp/default", "--namespace", site.namespace)
    site.kubectl.run("wait", *place, "--for=condition=Ready", "--timeout=120s")
    site.wait_for("/hello")
    with keep_calling(site.visitor, "/hello") as crowd:
        wait_for_more(crowd, 50)
        site.kubectl.run("scale", *place, "--replicas=1")
        until(lambda: len(list_runners(site)) == 1, 120, "one runner is gone")
        wait_for_more(crowd, 50)
    assert crowd.failures == []
    assert set(crowd.answers) == {(200, b"hello")}


def test_requests_are_answered_while_the_operator_is_stopped(site: Site, operator: Operator) -> None:
    site.serve("hello", "/hello", 'return "before"')
    site.wait_for("/hello")
    operator.stop()
    assert site.visitor.get("/hello").body == b"before"
    # The Script behind it is read by the runners themselves.
    name = site.kubectl.list("scripts", site.namespace)[0]["metadata"]["name"]
    patch = '{"spec": {"source": "return \\"after\\""}}'
    site.kubectl.run("patch", "script", name, "--namespace", site.namespace, "--type=merge", "-p", patch)
    until(lambda: site.visitor.get("/hello").body == b"after", 10, "the changed Script answers")
