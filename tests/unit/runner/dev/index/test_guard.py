"""Who may use the page, as a table."""

from typing import Any

import pytest

from scriptorium_runner.dev.index import guard
from tests.support.callers import make_call

API = "/_scriptorium/api/routes"


def is_let_in(host: str = "127.0.0.1:8080", *headers: tuple[str, str], **parts: Any) -> bool:
    """Say whether a call is let in; `target_host` is that of a target that names one."""
    name = host.rpartition("]")[0].removeprefix("[") or host.partition(":")[0]
    base = {"host": parts.pop("target_host", name.lower()), "raw_path": API, "ip": "127.0.0.1"}
    return guard.find_refusal(make_call(("host", host), *headers, **(base | parts))) is None


@pytest.mark.parametrize("host", ["localhost", "localhost:80", "LOCALHOST:1", "127.0.0.1:8080", "[::1]:8080"])
def test_this_machine_by_its_own_names_is_let_in(host: str) -> None:
    assert is_let_in(host)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example", "localhost.",
        "127.0.0.2", "localhost:8080@evil.example", "localhost:", "", "[::1", "[::2]", "localhost, x",
    ],
)  # fmt: skip
def test_a_name_that_could_be_led_elsewhere_is_refused(host: str) -> None:
    assert not is_let_in(host)


def test_a_target_with_another_name_than_the_host_header_is_refused() -> None:
    assert not is_let_in("localhost", target_host="evil.example")
    assert not is_let_in("evil.example", target_host="localhost")


@pytest.mark.parametrize("ip", ["192.0.2.7", "10.0.0.1", "", "127.0.0.1.evil", "::ffff:192.0.2.7"])
def test_who_is_not_at_this_machine_is_refused(ip: str) -> None:
    assert not is_let_in(ip=ip)


@pytest.mark.parametrize(
    "origin",
    [
        "null", "http://evil.example", "https://127.0.0.1:8080", "http://127.0.0.1:3000", "http://127.0.0.1",
        "http://localhost:8080", "http://127.0.0.1:8080, http://evil.example", "", "file://",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_pages_of_another_origin_are_refused(origin: str, method: str) -> None:
    assert not is_let_in("127.0.0.1:8080", ("origin", origin), method=method)


def test_the_page_itself_is_let_in() -> None:
    own = ("origin", "http://127.0.0.1:8080")
    assert is_let_in("127.0.0.1:8080", own, ("sec-fetch-site", "same-origin"), method="POST")


@pytest.mark.parametrize("headers", [(), (("sec-fetch-site", "same-origin"),), (("sec-fetch-site", "none"),)])
def test_what_does_something_needs_an_origin(headers: tuple[tuple[str, str], ...]) -> None:
    assert not is_let_in("127.0.0.1:8080", *headers, method="POST")


@pytest.mark.parametrize("site", ["cross-site", "same-site", "anything"])
def test_what_another_page_embeds_is_refused_even_without_an_origin(site: str) -> None:
    assert not is_let_in("127.0.0.1:8080", ("sec-fetch-site", site), ("sec-fetch-dest", "script"))


def test_a_link_from_elsewhere_opens_the_page_and_nothing_else() -> None:
    link = (("sec-fetch-site", "cross-site"), ("sec-fetch-dest", "document"))
    assert is_let_in("localhost", *link, raw_path="/_scriptorium")
    assert not is_let_in("localhost", *link, raw_path=API)
    assert not is_let_in("localhost", *link, raw_path="/_scriptorium", method="POST")


@pytest.mark.parametrize(
    ("path", "is_ours"),
    [("/_scriptorium", True), ("/_scriptorium/", True), (API, True), ("/_scriptoriums", False), ("/", False)],
)
def test_what_is_ours_is_ours_alone(path: str, *, is_ours: bool) -> None:
    assert guard.is_reserved(path) is is_ours


@pytest.mark.parametrize(
    ("host", "is_fine"),
    [
        ("localhost", True),
        ("shop.localhost", True),
        ("host.docker.internal", True),
        ("127.0.0.1", True),
        ("fd00::1", True),
        ("", True),
        ("shop.example", True),
        ("evil.example", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("evillocalhost", False),
    ],
)
def test_endpoints_answer_to_no_name_that_a_page_elsewhere_could_have(host: str, is_fine: bool) -> None:
    found = guard.find_foreign_host(make_call(host=host), {"shop.example"}.__contains__)
    assert (found is None) is is_fine
