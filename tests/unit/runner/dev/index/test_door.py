"""The page and its JSON through a real port, with a real engine behind it."""

import base64
from pathlib import Path
from typing import Any

import pytest

from scriptorium_runner.engine import Engine
from tests.support.doorsteps import House, living
from tests.support.waiting import until_async
from tests.unit.runner.dev.manifests import HEAD, endpoint, join, script

pytestmark = pytest.mark.asyncio(loop_scope="session")

HELLO = join(script("return 'hello'"), endpoint())


async def attempt(house: House, **parts: Any) -> Any:
    """Try an Endpoint as the page's form does."""
    host = f"127.0.0.1:{house.port}"
    trial = {"host": host, "method": "GET", "target": "/work", "headers": [], "body": ""} | parts
    reply = await house.ask("/_scriptorium/api/try", "POST", json=trial, headers={"Origin": house.origin})
    return reply.json()


async def find_route(house: House, name: str = "work") -> Any:
    (found,) = [each for each in await list_routes(house) if each["name"] == name]
    return found


async def list_routes(house: House) -> Any:
    return (await house.ask("/_scriptorium/api/routes")).json()["routes"]


async def test_the_page_is_there_beside_the_endpoints(engine: Engine, tmp_path: Path) -> None:
    async with living(engine, tmp_path, HELLO) as house:
        page, answer = await house.ask("/_scriptorium"), await house.ask("/work")
        files = [await house.ask(f"/_scriptorium/{name}") for name in ("", "page.css", "page.js")]
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert [each.status for each in files] == [200, 200, 200]
    assert (answer.status, answer.text) == (200, "hello")


async def test_the_policy_lets_nothing_foreign_in_and_nothing_inline_run(
    engine: Engine, tmp_path: Path
) -> None:
    async with living(engine, tmp_path, HELLO) as house:
        replies = [await house.ask(f"/_scriptorium{path}") for path in ("", "/api/routes", "/api/nothing")]
    for reply in replies:
        policy = dict(
            each.partition(" ")[::2] for each in reply.headers["content-security-policy"].split("; ")
        )
        assert policy["default-src"] == "'none'"
        assert {policy[each] for each in ("script-src", "style-src", "connect-src")} == {"'self'"}
        assert {policy[each] for each in ("frame-ancestors", "base-uri", "form-action")} == {"'none'"}
        assert not any(word in reply.headers["content-security-policy"] for word in ("unsafe", "http", "*"))
        assert reply.headers["x-content-type-options"] == "nosniff"
    assert "<style" not in replies[0].text
    assert replies[0].text.count("<script") == replies[0].text.count('<script src="/_scriptorium/')


@pytest.mark.parametrize("path", ["", "/api/routes", "/api/requests"])
async def test_a_name_that_leads_here_from_elsewhere_is_refused(
    engine: Engine, tmp_path: Path, path: str
) -> None:
    async with living(engine, tmp_path, HELLO) as house:
        reply = await house.ask(f"/_scriptorium{path}", headers={"Host": f"evil.example:{house.port}"})
    assert reply.status == 403
    assert "Endpoint" not in reply.text


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://evil.example"}, {"Origin": "null"}])
async def test_no_other_page_can_have_a_request_made(
    engine: Engine, tmp_path: Path, headers: dict[str, str]
) -> None:
    async with living(engine, tmp_path, HELLO) as house:
        trial = {"host": "", "method": "GET", "target": "/work", "headers": [], "body": ""}
        reply = await house.ask("/_scriptorium/api/try", "POST", json=trial, headers=headers)
        assert reply.status == 403
        assert house.ended == []


async def test_no_endpoint_answers_below_the_page(engine: Engine, tmp_path: Path) -> None:
    taken = join(
        script("return 'mine'"), endpoint(path="/{all...}"), endpoint("page", "/_scriptorium/page.css")
    )
    async with living(engine, tmp_path, taken) as house:
        nothing = await house.ask("/_scriptorium/anything")
        style = await house.ask("/_scriptorium/page.css")
        tried = await attempt(house, target="/_scriptorium/anything")
        route = await find_route(house, "page")
        assert house.ended == []
    assert nothing.status == 404
    assert "color-scheme" in style.text
    assert "no Endpoint answers below" in tried["problem"]
    assert route["state"] == "reserved"


async def test_what_is_read_cannot_be_written(engine: Engine, tmp_path: Path) -> None:
    async with living(engine, tmp_path, HELLO) as house:
        reply = await house.ask("/_scriptorium/api/routes", "DELETE", headers={"Origin": house.origin})
        tried = await house.ask("/_scriptorium/api/try")
    assert (reply.status, reply.headers["allow"]) == (405, "GET")
    assert (tried.status, tried.headers["allow"]) == (405, "POST")


async def test_a_route_tells_where_it_answers_who_may_call_and_what_answers(
    engine: Engine, tmp_path: Path
) -> None:
    auth = "[{apiKey: {header: X-Key, secretRef: {name: keys}}}, {apiKey: {secretRef: {name: keys}}}]"
    shop = endpoint(
        "shop", "/orders/{id}/{rest...}", auth=auth, methods="[GET, POST]", host="shop.example.com"
    )
    async with living(engine, tmp_path, join(script("return 1"), shop)) as house:
        (route,) = await list_routes(house)
    assert route == {
        "namespace": "default",
        "name": "shop",
        "host": "shop.example.com",
        "path": "/orders/{id}/{rest...}",
        "parameters": [{"name": "id", "isRest": False}, {"name": "rest", "isRest": True}],
        "methods": ["GET", "POST"],
        "script": "work",
        "auth": ["apiKey (header X-Key)", "apiKey (header x-api-key)"],
        "state": "ready",
        "message": "",
    }


@pytest.mark.parametrize(
    ("text", "state", "message"),
    [
        (HELLO, "ready", ""),
        (join(script("return 1"), endpoint(suspend="true")), "suspended", ""),
        (endpoint(), "script missing", 'Script "work" does not exist in this namespace'),
    ],
)
async def test_a_route_tells_what_keeps_it_from_answering(
    engine: Engine, tmp_path: Path, text: str, state: str, message: str
) -> None:
    async with living(engine, tmp_path, text) as house:
        route = await find_route(house)
    assert (route["state"], route["message"]) == (state, message)


async def test_of_two_endpoints_for_the_same_one_tells_who_has_it(engine: Engine, tmp_path: Path) -> None:
    async with living(engine, tmp_path, join(script("return 1"), endpoint("one"), endpoint("two"))) as house:
        routes = await list_routes(house)
    # They came at once: either may be the one that has it.
    winner, loser = sorted(routes, key=lambda route: route["state"] == "conflict")
    assert (winner["state"], loser["state"]) == ("ready", "conflict")
    assert loser["message"] == f"GET: Endpoint {winner['name']} has it already"


async def test_a_script_that_does_not_compile_is_told_with_line_and_column(
    engine: Engine, tmp_path: Path
) -> None:
    async with living(engine, tmp_path, join(script("return 1;\n    let = ;"), endpoint())) as house:
        route = await find_route(house)
    assert route["state"] == "does not compile"
    assert route["message"].startswith("SyntaxError: ")
    assert "(line 2, column " in route["message"]


async def test_while_an_edit_does_not_compile_the_page_says_that_the_version_before_answers(
    engine: Engine, tmp_path: Path
) -> None:
    async with living(engine, tmp_path, HELLO) as house:
        assert (await house.ask("/work")).text == "hello"
        await house.put(join(script("return ("), endpoint()))

        async def find_message() -> str:
            message: str = (await find_route(house))["message"]
            return message if "the version before answers" in message else ""

        message = await until_async(find_message, 60)
        assert (await house.ask("/work")).text == "hello"
    assert message.startswith("SyntaxError: ")


async def test_the_last_requests_come_newest_first_and_without_the_query(
    engine: Engine, tmp_path: Path
) -> None:
    async with living(engine, tmp_path, HELLO) as house:
        await house.ask("/work?key=hunter2", headers={"X-Request-Id": "one"})
        await house.ask("/nothing", headers={"X-Request-Id": "two"})
        reply = await house.ask("/_scriptorium/api/requests")
    two, one = reply.json()["requests"]
    assert (one["requestId"], one["path"], one["status"], one["script"]) == ("one", "/work", 200, "work")
    assert (two["requestId"], two["status"], two["rejected"]) == ("two", 404, "not_found")
    assert "hunter2" not in reply.text


async def test_a_try_shows_the_answer_its_time_and_the_scripts_lines(engine: Engine, tmp_path: Path) -> None:
    source = (
        "console.log('got', request.json());"
        " const headers = {'Set-Cookie': 'a=b', 'X-A': request.headers['x-b']};"
        " return {status: 201, headers, body: request.params.id}"
    )
    text = join(script(source), endpoint(path="/work/{id}", methods="[POST]"))
    async with living(engine, tmp_path, text) as house:
        headers = [["X-B", "b"], ["Content-Type", "application/json"]]
        found = await attempt(house, method="POST", target="/work/7?x=1", headers=headers, body='{"a": "ü"}')
    assert (found["status"], found["body"], found["bytes"], found["isCut"]) == (201, "7", 1, False)
    assert ["Set-Cookie", "a=b"] in found["headers"]
    assert ["X-A", "b"] in found["headers"]
    assert [(line["message"], line["data"]) for line in found["logs"]] == [("got", [{"a": "ü"}])]
    assert found["durationMs"] > 0
    assert (found["error"], found["rejected"]) == (None, "")


async def test_a_try_shows_what_the_script_threw(engine: Engine, tmp_path: Path) -> None:
    async with living(engine, tmp_path, join(script("null.x"), endpoint())) as house:
        found = await attempt(house)
    assert found["status"] == 500
    assert (found["error"]["name"], found["error"]["line"]) == ("TypeError", 1)


async def test_a_try_shows_a_redirect_and_does_not_follow_it(engine: Engine, tmp_path: Path) -> None:
    source = "return {status: 302, headers: {Location: 'http://192.0.2.1/'}}"
    async with living(engine, tmp_path, join(script(source), endpoint())) as house:
        found = await attempt(house)
    assert found["status"] == 302
    assert ["Location", "http://192.0.2.1/"] in found["headers"]


async def test_a_try_shows_bytes_that_are_no_text_and_of_much_the_beginning(
    engine: Engine, tmp_path: Path
) -> None:
    source = "return {status: 200, body: request.query.much ? 'ä'.repeat(200000) : new Uint8Array([255, 0])}"
    async with living(engine, tmp_path, join(script(source), endpoint())) as house:
        few, much = await attempt(house), await attempt(house, target="/work?much=1")
    assert (few["body"], base64.b64decode(few["base64"])) == (None, b"\xff\x00")
    assert (much["bytes"], much["isCut"], set(much["body"])) == (400000, True, {"ä"})


async def test_a_try_reaches_the_endpoint_of_its_host(engine: Engine, tmp_path: Path) -> None:
    one, two = (endpoint(name, script=name, host=f"{name}.example.com") for name in ("one", "two"))
    text = join(script("return 'one'", "one"), script("return 'two'", "two"), one, two)
    async with living(engine, tmp_path, text) as house:
        found = [(await attempt(house, host=f"{name}.example.com"))["body"] for name in ("one", "two")]
    assert found == ["one", "two"]


@pytest.mark.parametrize(
    "parts",
    [
        {"target": "work"},
        {"target": "/work HTTP/1.1\r\nX: y"},
        {"headers": [["X-A", "b\r\nX-C: d"]]},
        {"headers": [["X A", "b"]]},
        {"method": "GET /"},
        {"host": "a\r\nb"},
        {"more": 1},
        {"body": None},
    ],
)
async def test_a_try_that_is_no_request_is_refused(engine: Engine, tmp_path: Path, parts: Any) -> None:
    async with living(engine, tmp_path, HELLO) as house:
        found = await attempt(house, **parts)
        assert house.ended == []
    assert found["status"] == 400


async def test_secrets_of_the_files_are_for_env_and_for_auth(engine: Engine, tmp_path: Path) -> None:
    encoded = base64.b64encode(b"key-one").decode()
    secret = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: keys}}\ndata: {{one: {encoded}}}\n"
    secret += "stringData: {two: key-two}\n"
    config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: words}\ndata: {greeting: hello}\n"
    work = (
        f"{HEAD}kind: Script\nmetadata: {{name: work}}\nspec:\n"
        "  source: return `${env.GREETING} ${env.KEY === 'key-one'} ${ctx.user?.name ?? ctx.user?.key}`\n"
        "  env:\n"
        "  - {name: GREETING, valueFrom: {configMapKeyRef: {name: words, key: greeting}}}\n"
        "  - {name: KEY, valueFrom: {secretKeyRef: {name: keys, key: one}}}\n"
    )
    auth = "[{apiKey: {header: X-Key, secretRef: {name: keys}}}]"
    async with living(engine, tmp_path, join(secret, config, work, endpoint(auth=auth))) as house:
        answers = [await house.ask("/work", headers={"X-Key": key}) for key in ("key-one", "key-two", "no")]
        nothing = await house.ask("/work")
    assert [each.status for each in (*answers, nothing)] == [200, 200, 401, 401]
    assert answers[0].text.startswith("hello true")


async def test_a_page_whose_name_leads_here_gets_nothing_of_an_endpoint(
    engine: Engine, tmp_path: Path
) -> None:
    async with living(engine, tmp_path, HELLO) as house:
        rebound = await house.ask("/work", headers={"Host": f"evil.example:{house.port}"})
        local = await house.ask("/work", headers={"Host": f"shop.localhost:{house.port}"})
    assert (rebound.status, local.text) == (403, "hello")
    assert "evil.example" in rebound.json()["detail"]
