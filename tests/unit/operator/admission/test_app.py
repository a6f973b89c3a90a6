"""What the API server is answered; no network and no TLS between."""

import asyncio
import base64
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer

from scriptorium_api.script import MAX_SOURCE_BYTES
from scriptorium_operator.admission.app import CHECK_SOURCE, FILL_REQUESTER, build_app
from scriptorium_operator.context import Context
from scriptorium_operator.errors import SyntaxCheckFailed
from scriptorium_operator.facts import SyntaxFault
from tests.support.manifests import Manifest, cron, execution, nested, script
from tests.unit.operator.fakes import FakeSyntax, make_endpoint

ADA = {"username": "ada", "uid": "7"}


@pytest_asyncio.fixture
async def api_server(context: Context) -> AsyncIterator[TestClient[Any, Any]]:
    async with TestClient(TestServer(build_app(context))) as found:
        yield found


async def ask(api_server: TestClient[Any, Any], path: str, item: Any, **request: Any) -> Manifest:
    """Ask as the API server does; gives the response within the answer."""
    question = {
        "uid": "q1",
        "kind": {"group": "scriptorium.dev", "version": "v1alpha1", "kind": item["kind"]},
        "operation": "CREATE",
        "namespace": "team",
        "name": item["metadata"].get("name", ""),
        "userInfo": ADA,
        "object": item,
        "oldObject": None,
        "dryRun": False,
    }
    review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": question | request}
    async with api_server.post(path, json=review) as answer:
        assert answer.status == 200, await answer.text()
        body = await answer.json()
    assert (body["apiVersion"], body["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
    assert body["response"]["uid"] == "q1"
    response: Manifest = body["response"]
    return response


def read_patch(response: Manifest) -> Any:
    assert response["patchType"] == "JSONPatch"
    return json.loads(base64.b64decode(response["patch"]))


async def test_what_is_no_javascript_in_an_endpoint_is_refused_at_its_field(
    api_server: TestClient[Any, Any], syntax: FakeSyntax
) -> None:
    syntax.fault = SyntaxFault("unexpected token", 3, 14)
    item = make_endpoint(script={"source": "let"}).to_wire()
    message = (await ask(api_server, CHECK_SOURCE, item))["status"]["message"]
    assert message == "spec.script.source: SyntaxError: unexpected token at 3:14"


@pytest.mark.parametrize("field", ["body", "query"])
async def test_what_is_no_json_schema_is_refused_at_its_field(
    field: str, api_server: TestClient[Any, Any]
) -> None:
    item = make_endpoint().to_wire()
    item["spec"]["requestSchema"] = {field: {"type": "strin"}}
    message = (await ask(api_server, CHECK_SOURCE, item))["status"]["message"]
    assert message.startswith(f"spec.requestSchema.{field}: is no JSON Schema")
    item["spec"]["requestSchema"] = {field: nested(500)}
    assert "levels deep" in (await ask(api_server, CHECK_SOURCE, item))["status"]["message"]
    item["spec"]["requestSchema"] = {field: {"type": "string"}}
    assert (await ask(api_server, CHECK_SOURCE, item))["allowed"] is True


@pytest.mark.parametrize(
    "item", [script(source="let"), execution(source="let")], ids=lambda item: str(item["kind"])
)
async def test_what_is_no_javascript_is_refused_with_field_line_and_column(
    item: Manifest, api_server: TestClient[Any, Any], syntax: FakeSyntax
) -> None:
    syntax.fault = SyntaxFault("unexpected token", 3, 14)
    response = await ask(api_server, CHECK_SOURCE, item)
    assert response["allowed"] is False
    status = response["status"]
    assert (status["code"], status["reason"]) == (422, "Invalid")
    assert status["message"] == "spec.source: SyntaxError: unexpected token at 3:14"
    assert (status["details"]["kind"], status["details"]["name"]) == (item["kind"], "sample")
    assert status["details"]["causes"] == [
        {
            "reason": "FieldValueInvalid",
            "field": "spec.source",
            "message": "SyntaxError: unexpected token at 3:14",
        }
    ]


async def test_an_inline_script_is_refused_with_its_own_field(
    api_server: TestClient[Any, Any], syntax: FakeSyntax
) -> None:
    syntax.fault = SyntaxFault("unexpected token", 3, 14)
    response = await ask(api_server, CHECK_SOURCE, cron(script={"source": "let"}))
    assert response["status"]["details"]["causes"][0]["field"] == "spec.script.source"


@pytest.mark.parametrize(
    ("spec", "field", "told"),
    [
        ({"schedule": "0 0 31 2 *"}, "spec.schedule", "never fires"),
        ({"schedule": "5-1 * * * *"}, "spec.schedule", "runs backwards"),
        ({"timeZone": "Europe/Berln"}, "spec.timeZone", "did you mean Europe/Berlin"),
        ({"schedule": "* * * * *", "jitterSeconds": 60}, "spec.jitterSeconds", "less than"),
    ],
)
async def test_a_schedule_that_cannot_be_meant_is_refused_with_its_field(
    api_server: TestClient[Any, Any], spec: Manifest, field: str, told: str
) -> None:
    response = await ask(api_server, CHECK_SOURCE, cron(scriptRef={"name": "hello"}, **spec))
    assert response["allowed"] is False
    (cause,) = response["status"]["details"]["causes"]
    assert cause["field"] == field
    assert told in cause["message"]


@pytest.mark.parametrize("schedule", ["@daily", "*/5 * * * *", "TZ=UTC * * * * *", "soon"])
async def test_a_schedule_that_can_be_meant_or_that_the_schema_refuses_is_let_in(
    api_server: TestClient[Any, Any], schedule: str
) -> None:
    item = cron(schedule=schedule, scriptRef={"name": "hello"})
    assert await ask(api_server, CHECK_SOURCE, item) == {"uid": "q1", "allowed": True}


async def test_javascript_is_let_in_without_a_word(api_server: TestClient[Any, Any]) -> None:
    assert await ask(api_server, CHECK_SOURCE, script(source="return 1")) == {"uid": "q1", "allowed": True}


async def test_without_a_verdict_a_source_is_let_in_with_a_warning(
    api_server: TestClient[Any, Any], syntax: FakeSyntax
) -> None:
    syntax.failure = SyntaxCheckFailed("EngineCrash")
    response = await ask(api_server, CHECK_SOURCE, script(source="return 1"))
    assert response["allowed"] is True
    assert response["warnings"] == [
        "spec.source could not be checked just now; the status will tell if it is wrong"
    ]


@pytest.mark.parametrize(
    "item",
    [
        script(),
        script(source=1),
        script(sourceFrom={"configMapKeyRef": {"name": "code", "key": "main.js"}}),
        execution(scriptRef={"name": "hello"}),
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"source": "let"}},
        {"kind": "Script", "metadata": {}, "spec": "let"},
        {"kind": "Script", "metadata": {}, "spec": None},
        {"kind": "Script", "metadata": {}},
    ],
)
async def test_where_there_is_no_source_there_is_nothing_to_check(
    item: Manifest, api_server: TestClient[Any, Any], syntax: FakeSyntax
) -> None:
    syntax.fault = SyntaxFault("must not be asked")
    assert await ask(api_server, CHECK_SOURCE, item) == {"uid": "q1", "allowed": True}
    assert syntax.asked == 0


@pytest.mark.parametrize("source", ["x" * (MAX_SOURCE_BYTES + 1), "é" * MAX_SOURCE_BYTES, "\0", ""])
async def test_a_source_that_the_schema_refuses_is_not_parsed(
    source: str, api_server: TestClient[Any, Any], syntax: FakeSyntax
) -> None:
    assert (await ask(api_server, CHECK_SOURCE, script(source=source)))["allowed"] is True
    assert syntax.asked == 0


async def test_a_run_is_written_down_with_who_asks_for_it(api_server: TestClient[Any, Any]) -> None:
    response = await ask(api_server, FILL_REQUESTER, execution(scriptRef={"name": "hello"}))
    assert response["allowed"] is True
    assert read_patch(response) == [
        {"op": "add", "path": "/spec/requestedBy", "value": {"name": "ada", "uid": "7"}}
    ]


async def test_who_has_no_uid_is_written_down_without(api_server: TestClient[Any, Any]) -> None:
    response = await ask(
        api_server, FILL_REQUESTER, execution(scriptRef={"name": "hello"}), userInfo={"username": "ada"}
    )
    assert read_patch(response)[0]["value"] == {"name": "ada"}


@pytest.mark.parametrize(
    "user",
    [{}, {"username": ""}, {"username": "a" * 1025}, {"username": "ada", "uid": "u" * 1025}],
    ids=["nobody", "an empty name", "a name too long", "a uid too long"],
)
async def test_who_does_not_fit_into_the_field_stays_unknown(
    user: Manifest, api_server: TestClient[Any, Any]
) -> None:
    response = await ask(api_server, FILL_REQUESTER, execution(scriptRef={"name": "hello"}), userInfo=user)
    assert response == {"uid": "q1", "allowed": True}


@pytest.mark.parametrize("levels", [200, 900])
async def test_however_deep_the_input_is_its_requester_is_written_down(
    levels: int, api_server: TestClient[Any, Any]
) -> None:
    item = execution(scriptRef={"name": "hello"}, input=nested(levels))
    assert read_patch(await ask(api_server, FILL_REQUESTER, item))[0]["value"] == {"name": "ada", "uid": "7"}


async def test_a_requester_who_is_named_is_left_to_the_policy(api_server: TestClient[Any, Any]) -> None:
    item = execution(scriptRef={"name": "hello"}, requestedBy={"name": "eve"})
    assert await ask(api_server, FILL_REQUESTER, item) == {"uid": "q1", "allowed": True}


@pytest.mark.parametrize("path", [CHECK_SOURCE, FILL_REQUESTER])
@pytest.mark.parametrize(
    "body",
    ["", "{", "[]", "null", "{}", '{"request": null}', '{"request": {"object": {}}}', "[" * 100_000, b"\xff"],
    ids=["nothing", "half", "a list", "null", "no request", "null request", "no uid", "deep", "no text"],
)
async def test_what_is_no_question_is_a_bad_request(
    body: str | bytes, path: str, api_server: TestClient[Any, Any]
) -> None:
    async with api_server.post(path, data=body) as answer:
        assert answer.status == 400
        assert await answer.text() == "not an AdmissionReview with a request"


async def test_a_question_larger_than_any_object_is_not_read(api_server: TestClient[Any, Any]) -> None:
    async with api_server.post(CHECK_SOURCE, data=io.BytesIO(b" " * (3 * 1024 * 1024))) as answer:
        assert answer.status == 413


async def test_questions_that_never_end_do_not_keep_others_out_for_long(context: Context) -> None:
    async with TestClient(TestServer(build_app(context, patience_seconds=0.2))) as api_server:
        host, port = api_server.server.host, api_server.server.port
        started = b"POST /check-source HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"
        connections = [await asyncio.open_connection(host, port) for _ in range(40)]
        for _, writer in connections:
            writer.write(started)
        for reader, _ in connections:
            assert (await reader.readline()).startswith(b"HTTP/1.1 503 ")
        assert await ask(api_server, CHECK_SOURCE, script(source="return 1")) == {
            "uid": "q1",
            "allowed": True,
        }
        for _, writer in connections:
            writer.close()
            await writer.wait_closed()
