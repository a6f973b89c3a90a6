import pytest

from scriptorium_runner.engine import HostError
from scriptorium_runner.host import quotes
from scriptorium_runner.host.http import requests
from scriptorium_runner.host.utils import UtilsHost

LONG = "token-0123456789" * 10


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("day", '"day"'),
        ('a "b"', '"a \\"b\\""'),
        ("x" * 100, f'"{"x" * 100}"'),
        ("x" * 101, "a text of 101 characters"),
    ],
)
def test_a_text_is_repeated_whole_or_not_at_all(text: str, quoted: str) -> None:
    assert quotes.quote(text) == quoted


@pytest.mark.parametrize(
    "options",
    [
        {LONG: 1},
        {"url": "https://example.com", "query": {LONG: {}}},
        {"url": "https://example.com", "headers": {f"({LONG}": "x"}},
        {"url": "https://example.com", "headers": {LONG: "\n"}},
        {"url": "https://example.com", "headers": {LONG: "x", LONG.upper(): "x"}},
        {"url": "https://example.com", "headers": {f"proxy-{LONG}": "x"}},
    ],
)
def test_no_refusal_of_a_request_has_the_beginning_of_a_long_name(options: dict[str, object]) -> None:
    with pytest.raises(HostError) as refused:
        requests.read_request("http.request", [options], 1024)
    assert LONG[:8].lower() not in refused.value.message.lower()
    assert "characters" in refused.value.message


async def test_no_refusal_of_a_zone_has_the_beginning_of_a_long_name() -> None:
    with pytest.raises(HostError, match=r"^there is no time zone a text of 160 characters$"):
        await UtilsHost().call("utils.local", [LONG, 0])
