"""What a real browser makes of Endpoints: pages, cookies, and what it lets pages of other origins do."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.endpoints.conftest import Site
from tests.support import browser

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(browser.find_browser() is None, reason="this machine has no Chromium"),
]

PAGE = """
const page = `<!doctype html><pre></pre><script>
const api = "http://HOST";
const ask = async (path, options) => {
  try {
    const answer = await fetch(api + path, options);
    return [answer.status, answer.headers.get("x-total"), await answer.json()];
  } catch (error) { return error.name; }
};
(async () => {
  const own = { method: "PUT", headers: { "X-Own": "a" }, credentials: "include", body: "{}" };
  const said = {
    simple: await ask("/shared"),
    preflighted: await ask("/shared", own),
    strange: await ask("/shared", { headers: { "X-Other": "a" } }),
    closed: await ask("/closed"),
    cookies: document.cookie,
  };
  document.querySelector("pre").textContent = JSON.stringify(said);
})();
</script>`;
const headers = { "content-type": "text/html; charset=utf-8", "set-cookie": ["a=1; Path=/", "b=2; Path=/"] };
return { status: 200, headers, body: page };"""

DATA = 'return { status: 200, headers: { "x-total": "7" }, body: { method: request.method } }'


def test_a_page_reaches_what_it_may(site: Site, tmp_path: Path) -> None:
    found = browser.find_browser()
    assert found
    shop = replace(site, host=f"shop.{site.host}")
    cors = {
        "origins": [f"http://{shop.host}"],
        "headers": ["X-Own"],
        "exposedHeaders": ["X-Total"],
        "credentials": True,
    }
    site.apply("shared", "/shared", DATA, methods=["GET", "PUT"], cors=cors)
    site.apply("closed", "/closed", DATA)
    shop.apply("page", "/page", PAGE.replace("HOST", site.host))
    for name in ("shared", "closed", "page"):
        site.wait(name, "Ready")
    site.wait_for("/shared")
    shop.wait_for("/page")
    said = json.loads(browser.read_page(found, f"http://{shop.host}/page", site.controller, tmp_path))
    assert said == {
        "simple": [200, "7", {"method": "GET"}],
        "preflighted": [200, "7", {"method": "PUT"}],
        "strange": "TypeError",
        "closed": "TypeError",
        "cookies": "a=1; b=2",
    }
