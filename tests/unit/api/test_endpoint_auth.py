"""The ways of an Endpoint's auth that do not go together."""

import pytest
from pydantic import ValidationError

from tests.support.callers import make_ways

KEY = {"apiKey": {"secretRef": {"name": "keys"}}}
SCRIPT = {"script": {"name": "gate"}}
SECRET = {"name": "hooks", "key": "token"}


def test_a_script_decides_at_the_end() -> None:
    assert make_ways(KEY, SCRIPT)
    for ways in ((SCRIPT, KEY), (SCRIPT, {"none": {}}), ({"none": {}}, SCRIPT), (SCRIPT, SCRIPT)):
        with pytest.raises(ValidationError, match="none must be the last entry of auth, and so must script"):
            make_ways(*ways)


@pytest.mark.parametrize(
    "field",
    [{"prefix": "v1="}, {"digest": "sha512"}, {"encoding": "base64"}, {"timestampHeader": "X-Time"}],
)
def test_a_preset_is_not_described_again(field: dict[str, str]) -> None:
    assert make_ways({"hmac": {"secretRef": SECRET, "header": "X-Signature"} | field})
    assert make_ways({"hmac": {"secretRef": SECRET, "preset": "slack", "toleranceSeconds": 60}})
    with pytest.raises(ValidationError, match="give preset, or header"):
        make_ways({"hmac": {"secretRef": SECRET, "preset": "slack"} | field})
