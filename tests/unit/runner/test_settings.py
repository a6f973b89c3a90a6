import ipaddress
import re
from pathlib import Path

import pytest

from scriptorium_runner.engine import EngineSettings, Seal
from scriptorium_runner.errors import SettingError
from scriptorium_runner.host.http.addresses import Verdict, judge_address
from scriptorium_runner.pool_settings import read_pool_settings
from scriptorium_runner.settings import (
    SlotWork,
    read_http_settings,
    read_run_settings,
)
from tests.support.certificates import Authority

LEAST = {
    "POD_NAMESPACE": "team",
    "POD_NAME": "runner-1",
    "POD_UID": "uid",
    "SCRIPTORIUM_TENANT_ID": "ns-uid",
    "SCRIPTORIUM_HTTP_NODE_ADDRESSES": "10.0.0.9,fd00::9",
    "SCRIPTORIUM_HTTP_DENIED_ADDRESSES": "10.96.0.1,10.0.0.1",
}
OF_A_RUN = {"SCRIPTORIUM_EXECUTION": "once", "SCRIPTORIUM_EXECUTION_UID": "run-uid"}


def test_what_the_operator_sets_is_enough() -> None:
    found = read_pool_settings(LEAST)
    assert (found.pool, found.workers, found.health_port, found.drain_seconds) == ("default", 10, 8081, 30)
    assert found.internal_port == 8082
    assert (found.tenant.name, found.tenant.organization_id) == ("team", None)


def test_each_start_has_an_id_of_its_own() -> None:
    assert read_pool_settings(LEAST).holder.start_id != read_pool_settings(LEAST).holder.start_id


@pytest.mark.parametrize(
    ("text", "seal"), [("", Seal.FULL), ("true", Seal.FULL), ("false", Seal.LANDLOCK_OPTIONAL)]
)
def test_landlock_is_required_unless_the_platform_says_otherwise(text: str, seal: Seal) -> None:
    assert read_pool_settings(LEAST | {"SCRIPTORIUM_REQUIRE_LANDLOCK": text}).engine.seal is seal


@pytest.mark.parametrize("text", ["no", "False", "none", "0"])
def test_nothing_else_can_be_relaxed(text: str) -> None:
    with pytest.raises(SettingError, match="SCRIPTORIUM_REQUIRE_LANDLOCK must be true or false"):
        read_pool_settings(LEAST | {"SCRIPTORIUM_REQUIRE_LANDLOCK": text})


@pytest.mark.parametrize("name", LEAST)
def test_what_is_missing_is_named(name: str) -> None:
    with pytest.raises(SettingError, match=name):
        read_pool_settings({key: value for key, value in LEAST.items() if key != name})


@pytest.mark.parametrize("name", LEAST | OF_A_RUN)
def test_what_is_missing_is_named_in_the_pod_of_one_run_too(name: str) -> None:
    with pytest.raises(SettingError, match=name):
        read_run_settings({key: value for key, value in (LEAST | OF_A_RUN).items() if key != name})


def test_a_pod_of_a_slot_knows_by_which_schedule_it_was_fired_if_it_is_told() -> None:
    slot = {"SCRIPTORIUM_CRON_SCRIPT": "nightly", "SCRIPTORIUM_CRON_SCRIPT_UID": "c1", "SCRIPTORIUM_JOB": "j"}
    terms = {"SCRIPTORIUM_CRON_SCHEDULE": "0 3 * * *", "SCRIPTORIUM_CRON_TIME_ZONE": "UTC"}
    assert read_run_settings(LEAST | slot).work == SlotWork("nightly", "c1", "j")
    told = SlotWork("nightly", "c1", "j", schedule="0 3 * * *", time_zone="UTC")
    assert read_run_settings(LEAST | slot | terms).work == told


@pytest.mark.parametrize("text", ["node-1", "10.0.0.9:443", "10.0.0.9/8"])
def test_a_pod_that_does_not_know_its_node_does_not_start(text: str) -> None:
    with pytest.raises(SettingError, match="SCRIPTORIUM_HTTP_NODE_ADDRESSES must be addresses"):
        read_pool_settings(LEAST | {"SCRIPTORIUM_HTTP_NODE_ADDRESSES": text})


@pytest.mark.parametrize("address", ["10.0.0.9", "fd00::9", "10.96.0.1", "10.0.0.1", "::ffff:10.0.0.9"])
def test_node_and_api_server_are_never_reached_even_where_their_range_is_open(address: str) -> None:
    open_range = {"SCRIPTORIUM_HTTP_PRIVATE_CIDRS": "10.0.0.0/8,fd00::/8"}
    for found in (read_pool_settings(LEAST | open_range), read_run_settings(LEAST | OF_A_RUN | open_range)):
        denied = found.http.denied_networks
        assert judge_address(ipaddress.ip_address(address), denied) is Verdict.REFUSED
        assert judge_address(ipaddress.ip_address("10.0.0.10"), denied) is Verdict.PRIVATE


@pytest.mark.parametrize("text", ["", "0", "101", "-1", "1.5", "many", "١٢", " 1"])
def test_a_number_that_is_none_or_out_of_bounds_is_refused_by_name(text: str) -> None:
    with pytest.raises(SettingError, match="SCRIPT_VM_POOL_SIZE must be a whole number from 1 to 100"):
        read_pool_settings(LEAST | {"SCRIPT_VM_POOL_SIZE": text})


def test_the_sandbox_is_as_the_platform_wants_it() -> None:
    found = read_pool_settings(
        LEAST
        | {
            "SCRIPT_VM_POOL_SIZE": "100",
            "SCRIPT_VM_POOL_INITIAL": "20",
            "SCRIPT_VM_POOL_SPARE": "0",
            "SCRIPT_VM_POOL_KEPT": "0",
            "SCRIPT_VM_POOL_IDLE_MS": "60000",
            "SCRIPT_ACQUIRE_TIMEOUT_MS": "500",
            "SCRIPT_SHARE_PERCENT": "25",
            "SCRIPT_HTTP_RESERVE_PERCENT": "30",
            "SCRIPT_MEMORY_PERCENT": "80",
            "SCRIPT_CACHE_SIZE": "0",
            "SCRIPTS_ENABLED": "false",
            "SCRIPT_TIMEOUT_MS": "1500",
            "SCRIPT_MAX_MEMORY_MB": "64",
        }
    )
    assert found.engine == EngineSettings(
        pool_size=100,
        initial_workers=20,
        spare_workers=0,
        kept_workers=0,
        idle_seconds=60,
        acquire_seconds=0.5,
        script_share=0.25,
        http_reserve=0.3,
        memory_part=0.8,
        cache_size=0,
    )
    assert found.ceilings.most == {"timeout_seconds": 1.5, "memory_mb": 64}
    assert not found.is_enabled


def test_without_a_word_the_sandbox_is_as_its_own_defaults_say() -> None:
    found = read_pool_settings(LEAST)
    assert found.engine == EngineSettings()
    assert (found.ceilings.most, found.is_enabled) == ({}, True)


def test_scripts_reach_nothing_private_and_no_proxy_unless_it_is_said() -> None:
    found = read_http_settings({})
    assert (found.private_networks, found.denied_networks) == ((), ())
    assert (found.proxy, found.ca_bundle) == (None, None)
    assert (found.max_request_bytes, found.max_response_bytes) == (1024 * 1024, 2 * 1024 * 1024)


def test_what_the_platform_says_of_http_is_read(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    found = read_http_settings(
        {
            "SCRIPTORIUM_HTTP_PRIVATE_CIDRS": "10.20.0.0/16, fd12::/32",
            "SCRIPTORIUM_HTTP_DENIED_ADDRESSES": "10.20.0.7,,fd12::7, 203.0.113.0/24",
            "SCRIPTORIUM_HTTP_PROXY": "http://ada:secret@proxy.example.com:3128",
            "SCRIPTORIUM_HTTP_PROXY_RESOLVES": "true",
            "SCRIPTORIUM_HTTP_CA_BUNDLE": authority.pem,
            "SCRIPTORIUM_HTTP_REQUEST_KB": "10",
            "SCRIPTORIUM_HTTP_RESPONSE_KB": "20",
            "KUBERNETES_SERVICE_HOST": "10.96.0.1",
        }
    )
    assert [str(each) for each in found.private_networks] == ["10.20.0.0/16", "fd12::/32"]
    denied = ["10.20.0.7/32", "fd12::7/128", "203.0.113.0/24", "10.96.0.1/32"]
    assert [str(each) for each in found.denied_networks] == denied
    assert found.proxy == "http://ada:secret@proxy.example.com:3128"
    assert (found.proxy_resolves, found.ca_bundle) == (True, authority.pem)
    assert (found.max_request_bytes, found.max_response_bytes) == (10240, 20480)


def test_an_api_server_with_a_name_is_no_address_to_deny() -> None:
    assert read_http_settings({"KUBERNETES_SERVICE_HOST": "cluster.example.com"}).denied_networks == ()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SCRIPT_VM_POOL_INITIAL", "0"),
        ("SCRIPT_VM_POOL_SPARE", "-1"),
        ("SCRIPT_VM_POOL_IDLE_MS", "soon"),
        ("SCRIPT_ACQUIRE_TIMEOUT_MS", ""),
        ("SCRIPT_SHARE_PERCENT", "0"),
        ("SCRIPT_HTTP_RESERVE_PERCENT", "91"),
        ("SCRIPT_MEMORY_PERCENT", "100"),
        ("SCRIPT_CACHE_SIZE", "1e3"),
        ("SCRIPTS_ENABLED", "yes"),
        ("SCRIPT_TIMEOUT_MS", "30s"),
        ("SCRIPT_MAX_MEMORY_MB", "2048"),
        ("SCRIPT_MAX_OUTPUT_KB", "0"),
        ("SCRIPT_MAX_LOG_KB", "65"),
    ],
)
def test_a_bad_value_is_refused_by_its_name(name: str, text: str) -> None:
    with pytest.raises(SettingError, match=f"{name} must be .*, not "):
        read_pool_settings(LEAST | {name: text})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SCRIPTORIUM_HTTP_PRIVATE_CIDRS", "10.0.0.1/8"),
        ("SCRIPTORIUM_HTTP_PRIVATE_CIDRS", "internal"),
        ("SCRIPTORIUM_HTTP_PRIVATE_CIDRS", "0.0.0.0/0"),
        ("SCRIPTORIUM_HTTP_PRIVATE_CIDRS", "127.0.0.0/8"),
        ("SCRIPTORIUM_HTTP_PRIVATE_CIDRS", "10.0.0.0/8,169.254.0.0/16"),
        ("SCRIPTORIUM_HTTP_DENIED_ADDRESSES", "node-1"),
        ("SCRIPTORIUM_HTTP_DENIED_ADDRESSES", "10.0.0.1:6443"),
        ("SCRIPTORIUM_HTTP_PROXY", "proxy.example.com:3128"),
        ("SCRIPTORIUM_HTTP_PROXY", "https://proxy.example.com:3128"),
        ("SCRIPTORIUM_HTTP_PROXY", "socks5://proxy.example.com:1080"),
        ("SCRIPTORIUM_HTTP_PROXY", "http://proxy.example.com"),
        ("SCRIPTORIUM_HTTP_PROXY", "http://proxy.example.com:99999"),
        ("SCRIPTORIUM_HTTP_PROXY", "http://proxy.example.com:3128/path"),
        ("SCRIPTORIUM_HTTP_PROXY_RESOLVES", "yes"),
        ("SCRIPTORIUM_HTTP_CA_BUNDLE", "/does/not/exist.pem"),
        ("SCRIPTORIUM_HTTP_CA_BUNDLE", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"),
        ("SCRIPTORIUM_HTTP_CA_BUNDLE", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"),
        ("SCRIPTORIUM_HTTP_REQUEST_KB", "1025"),
        ("SCRIPTORIUM_HTTP_RESPONSE_KB", "0"),
    ],
)
def test_a_bad_word_about_http_is_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(SettingError, match=re.escape(name)):
        read_http_settings({name: text})


def test_the_password_of_a_bad_proxy_is_not_shown() -> None:
    with pytest.raises(SettingError) as caught:
        read_http_settings({"SCRIPTORIUM_HTTP_PROXY": "https://ada:secret@proxy"})
    assert "secret" not in str(caught.value)


def test_how_requests_are_taken() -> None:
    found = read_pool_settings(
        LEAST
        | {
            "SCRIPTORIUM_HTTP_PORT": "8000",
            "SCRIPTORIUM_TRUSTED_PROXIES": "10.0.0.0/8, fd00::1",
            "SCRIPTORIUM_HTTP_QUEUE": "7",
            "SCRIPT_HTTP_ACQUIRE_TIMEOUT_MS": "500",
            "SCRIPTORIUM_HTTP_GRACE_SECONDS": "0",
            "SCRIPTORIUM_HTTP_CONNECTIONS": "16",
        }
    )
    assert (found.public.port, found.http_queue, found.grace_seconds) == (8000, 7, 0)
    assert found.public.proxies == (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::1"))
    assert found.public.most_connections == 16
    assert found.engine.http_acquire_seconds == 0.5


@pytest.mark.parametrize("text", ["10.0.0.1/8", "proxy.example", "10.0.0.0/33"])
def test_what_is_no_range_of_proxies_is_refused(text: str) -> None:
    with pytest.raises(SettingError, match="SCRIPTORIUM_TRUSTED_PROXIES must be addresses or ranges"):
        read_pool_settings(LEAST | {"SCRIPTORIUM_TRUSTED_PROXIES": text})
