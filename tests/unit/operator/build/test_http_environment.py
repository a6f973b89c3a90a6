from scriptorium_api.http_rules import read_http_rules
from scriptorium_operator.build.http_environment import build_http_environment
from scriptorium_operator.facts import Address
from scriptorium_runner.settings import read_http_settings

API_SERVER = (Address("10.96.0.1", 443), Address("10.0.0.1", 6443), Address("10.0.0.8", 6443, is_former=True))
SAID = {
    "SCRIPTORIUM_HTTP_PRIVATE_CIDRS": "10.20.0.0/16,fd12::/32",
    "SCRIPTORIUM_HTTP_DENIED_ADDRESSES": "10.20.7.0/24",
    "SCRIPTORIUM_HTTP_PROXY": "http://proxy.example.com:3128",
    "SCRIPTORIUM_HTTP_PROXY_RESOLVES": "true",
}


def test_a_platform_that_says_nothing_still_denies_node_and_api_server() -> None:
    assert build_http_environment(read_http_rules({}), API_SERVER) == [
        {
            "name": "SCRIPTORIUM_HTTP_NODE_ADDRESSES",
            "valueFrom": {"fieldRef": {"fieldPath": "status.hostIPs"}},
        },
        {"name": "SCRIPTORIUM_HTTP_DENIED_ADDRESSES", "value": "10.0.0.1,10.0.0.8,10.96.0.1"},
    ]


def test_the_runner_reads_what_the_operator_was_told() -> None:
    written = build_http_environment(read_http_rules(SAID), API_SERVER)
    found = read_http_settings({each["name"]: each["value"] for each in written if "value" in each})
    assert [str(each) for each in found.private_networks] == ["10.20.0.0/16", "fd12::/32"]
    denied = ["10.0.0.1/32", "10.0.0.8/32", "10.20.7.0/24", "10.96.0.1/32"]
    assert [str(each) for each in found.denied_networks] == denied
    assert (found.proxy, found.proxy_resolves) == ("http://proxy.example.com:3128", True)


def test_certificates_are_handed_on_as_they_are() -> None:
    rules = read_http_rules({})
    written = build_http_environment(type(rules)(ca_bundle="-----BEGIN CERTIFICATE-----\n..."), API_SERVER)
    assert written[-1] == {"name": "SCRIPTORIUM_HTTP_CA_BUNDLE", "value": "-----BEGIN CERTIFICATE-----\n..."}
