"""The page in a real browser: what a person sees, what keys do, and what hostile texts cannot do."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from scriptorium_runner.engine import Engine
from tests.support.browser import find_browser
from tests.support.doorsteps import living
from tests.support.driver import Tab, open_tab
from tests.unit.runner.dev.manifests import endpoint, join, script

BROWSER = find_browser()

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome on this machine"),
]

EVIL = "<img src=x onerror=alert(1)><script>alert(2)</script>'\"&${alert(3)}"

TAB, ENTER, SPACE = ("Tab", 9), ("Enter", 13, "\r"), (" ", 32, " ")


@pytest_asyncio.fixture(loop_scope="session")
async def tab(tmp_path: Path) -> AsyncIterator[Tab]:
    assert BROWSER is not None
    async with open_tab(BROWSER, tmp_path / "profile") as found:
        yield found


def shown(selector: str) -> str:
    return f"[...document.querySelectorAll({json.dumps(selector)})].map((each) => each.innerText).join('\\n')"


def has(selector: str, text: str) -> str:
    return f"({shown(selector)}).includes({json.dumps(text)})"


async def test_the_page_lists_what_answers_and_what_was_asked(
    engine: Engine, tmp_path: Path, tab: Tab
) -> None:
    text = join(
        script("return 'hello'"), endpoint(path="/work/{id}"), endpoint("lost", "/lost", script="none")
    )
    async with living(engine, tmp_path, text) as house:
        await house.ask("/work/7")
        await tab.open(f"{house.origin}/_scriptorium")
        await tab.wait_for(has("#requests tr", "/work/7"))
        summaries = await tab.evaluate(shown("#routes summary"))
        assert await tab.evaluate(shown("#news")) == "1 of 2 Endpoints ready"
    assert all(word in summaries for word in ("/work/{id}", "GET", "ready", "Script work", "auth: none"))
    assert "script missing" in summaries
    assert tab.complaints == []


async def test_an_endpoint_is_tried_by_the_keyboard_alone(engine: Engine, tmp_path: Path, tab: Tab) -> None:
    source = (
        "console.log('asked for', request.params.id); return `order ${request.params.id} ${request.query.a}`"
    )
    async with living(engine, tmp_path, join(script(source), endpoint(path="/work/{id}"))) as house:
        await tab.open(f"{house.origin}/_scriptorium")
        await tab.wait_for(has("#routes summary", "ready"))
        await tab.press(*TAB)
        await tab.press(*ENTER)
        # The method, then the path's parameter, then the query.
        await tab.press(*TAB)
        await tab.press(*TAB)
        await tab.type("7 ü?")
        await tab.press(*TAB)
        await tab.type("a=b c")
        await tab.press(*ENTER)
        await tab.wait_for(has(".answer", "order 7 ü"))
        answer = await tab.evaluate(shown(".answer"))
        await tab.wait_for(has("#requests tr", "/work/7%20%C3%BC%3F"))
    assert "200 GET" in answer
    assert "x-request-id" in answer.lower()
    assert "info  asked for" in answer


async def test_a_body_and_headers_are_sent_by_the_form(engine: Engine, tmp_path: Path, tab: Tab) -> None:
    source = "return {status: 201, body: `${request.method} ${request.json().a} ${request.headers['x-a']}`}"
    async with living(engine, tmp_path, join(script(source), endpoint(methods="[POST]"))) as house:
        await tab.open(f"{house.origin}/_scriptorium#default/work")
        # The address opens the form, and does nothing more.
        await tab.wait_for("document.querySelector('#routes details[open]') !== null")
        assert house.ended == []
        await tab.evaluate("document.querySelector('[name=headers]').value = 'X-A: one'")
        await tab.evaluate("""document.querySelector('[name=body]').value = '{"a": "two"}'""")
        await tab.evaluate("document.querySelector('form button').focus()")
        await tab.press(*SPACE)
        await tab.wait_for(has(".answer", "POST two one"))
        assert await tab.evaluate(has(".answer", "201"))


async def test_hostile_names_paths_answers_and_lines_stay_text(
    engine: Engine, tmp_path: Path, tab: Tab
) -> None:
    source = (
        "console.log(request.text(), {[request.text()]: request.text()});"
        " if (request.query.throws) throw new Error(request.text());"
        " return {status: 200, headers: {'Content-Type': 'text/html'}, body: request.text()}"
    )
    broken = script(f"throw new {EVIL.replace(chr(10), '')}", "broken")
    text = join(
        script(source), endpoint(methods="[POST]"), broken, endpoint("broken", "/broken", script="broken")
    )
    async with living(engine, tmp_path, text) as house:
        # What no client of good manners sends, and what is kept of it.
        await house.ask("/work?throws=1", "POST", data=EVIL.encode())
        await house.ask("/%3Cimg%20src=x%20onerror=alert(1)%3E")
        await tab.open(f"{house.origin}/_scriptorium#default/work")
        await tab.wait_for(has("#requests tr", "Error: <img"))
        await tab.wait_for("document.querySelector('#routes details[open]') !== null")
        for query in ("", "throws=1"):
            await tab.evaluate(f"document.querySelector('details[open] [name=query]').value = '{query}'")
            await tab.evaluate(
                f"document.querySelector('details[open] [name=body]').value = {json.dumps(EVIL)}"
            )
            await tab.evaluate("document.querySelector('details[open] form').requestSubmit()")
            await tab.wait_for(has(".answer", "500 POST" if query else "200 POST"))
            assert await tab.evaluate(has(".answer", EVIL))
        counts = await tab.evaluate("document.querySelectorAll('img, iframe, script:not([src])').length")
    assert counts == 0
    assert tab.dialogs == []


async def test_the_page_asks_nobody_but_this_machine(engine: Engine, tmp_path: Path, tab: Tab) -> None:
    async with living(engine, tmp_path, join(script("return 1"), endpoint())) as house:
        await tab.open(f"{house.origin}/_scriptorium")
        await tab.wait_for(has("#routes summary", "ready"))
        assert tab.requested
        assert all(each.startswith(f"{house.origin}/_scriptorium") for each in tab.requested)


async def test_the_policy_holds_against_a_script_in_the_page(
    engine: Engine, tmp_path: Path, tab: Tab
) -> None:
    """If a text ever became markup, the browser itself would still refuse it."""
    async with living(engine, tmp_path, join(script("return 1"), endpoint())) as house:
        await tab.open(f"{house.origin}/_scriptorium")
        await tab.wait_for(has("#routes summary", "ready"))
        refused = await tab.evaluate(
            "(() => { try { document.body.innerHTML = '<b>x</b>'; return '' }"
            " catch (error) { return error.name } })()"
        )
        outside = await tab.evaluate("fetch('http://192.0.2.1/').then(() => '', (error) => error.name)")
        image = await tab.evaluate(
            "new Promise((done) => { const image = new Image(); image.onerror = () => done('refused');"
            " image.onload = () => done('loaded'); image.src = '/work'; })"
        )
        inline = await tab.evaluate(
            "(() => { const link = document.createElement('a'); link.setAttribute('href', '#');"
            " try { link.setAttribute('onclick', 'window.broken = 1') } catch { return 'refused' }"
            " document.body.append(link); link.click(); return window.broken ? 'ran' : 'refused' })()"
        )
        asked = [each.call.raw_path for each in house.ended]
    assert (refused, outside, image, inline) == ("TypeError", "TypeError", "refused", "refused")
    assert asked == []


async def test_another_page_on_this_machine_cannot_use_it(engine: Engine, tmp_path: Path, tab: Tab) -> None:
    """A page of another port is another origin: it can neither read what is there nor have a request made."""
    async with living(engine, tmp_path, join(script("return 1"), endpoint())) as house:
        await tab.open(f"http://localhost:{house.port}/nothing")
        await tab.wait_for("document.readyState === 'complete' && location.pathname === '/nothing'")
        api = f"{house.origin}/_scriptorium/api"
        reads = await tab.evaluate(f"fetch('{api}/routes').then(() => 'read', (error) => error.name)")
        trial = json.dumps({"host": "", "method": "GET", "target": "/work", "headers": [], "body": ""})
        await tab.evaluate(
            f"fetch('{api}/try', {{method: 'POST', mode: 'no-cors', body: {json.dumps(trial)}}})"
            ".then(() => 'sent', (error) => error.name)"
        )
        made = [each.call.raw_path for each in house.ended if each.call.raw_path == "/work"]
    assert (reads, made) == ("TypeError", [])
