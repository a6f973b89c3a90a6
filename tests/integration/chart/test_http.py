"""What the chart says of the requests of scripts: what it renders, the operator reads."""

import json
from pathlib import Path
from typing import Any

import pytest

from scriptorium_operator.settings import Settings, read_settings
from tests.integration.chart.rendering import attempt_rendering, render_one
from tests.support.certificates import Authority


def read_operator(*options: str) -> Settings:
    """Give the settings of the operator that the chart renders."""
    deployment = render_one("Deployment", "scriptorium-operator", *options)
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return read_settings({each["name"]: each["value"] for each in container["env"] if "value" in each})


def test_without_a_word_nothing_private_is_open_and_there_is_no_proxy() -> None:
    http = read_operator().runner.http
    assert (http.private, http.denied, http.proxy, http.ca_bundle) == ((), (), None, None)


def test_the_operator_reads_what_the_values_say(tmp_path: Path) -> None:
    authorities = Authority(tmp_path).pem + Authority(tmp_path).pem
    values = {
        "privateCIDRs": ["10.20.0.0/16", "fd12::/32"],
        "deniedCIDRs": ["10.20.7.0/24", "10.20.8.1"],
        "proxy": {"url": "http://proxy.example.com:3128", "resolves": True},
        "caBundle": authorities,
    }
    http = read_operator("--set-json", f"http={json.dumps(values)}").runner.http
    assert [str(each) for each in http.private] == ["10.20.0.0/16", "fd12::/32"]
    assert [str(each) for each in http.denied] == ["10.20.7.0/24", "10.20.8.1/32"]
    assert (http.proxy, http.proxy_resolves) == ("http://proxy.example.com:3128", True)
    assert http.ca_bundle == authorities


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("privateCIDRs", ["internal"]),
        ("privateCIDRs", "10.0.0.0/8"),
        ("deniedCIDRs", ["node-1"]),
        ("deniedCIDRs", ["10.0.0.1:6443"]),
        ("proxy.url", "proxy.example.com:3128"),
        ("proxy.url", "https://proxy.example.com:3128"),
        ("proxy.url", "http://ada:secret@proxy.example.com:3128"),
        ("proxy.resolves", "yes"),
        ("caBundle", "none"),
        ("caBundle", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_by_its_name(path: str, value: Any) -> None:
    done = attempt_rendering("--set-json", f"http.{path}={json.dumps(value)}")
    assert done.returncode != 0
    assert f"http.{path}" in done.stderr.replace("/", ".")
