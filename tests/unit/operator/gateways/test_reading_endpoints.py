from typing import Any

import pytest

from scriptorium_api.endpoints.schemas import find_schema_problem
from scriptorium_api.env import whole_secret
from scriptorium_operator.endpoint_facts import IngressState
from scriptorium_operator.facts import Kind
from scriptorium_operator.gateways import reading
from scriptorium_operator.gateways.reading_endpoints import is_of_endpoints, read_endpoint, read_ingress
from tests.support.manifests import nested
from tests.unit.operator.fakes import make_endpoint

KEYS: dict[str, Any] = {"auth": [{"apiKey": {"secretRef": {"name": "keys"}}}]}


def test_a_notice_of_an_endpoint_tells_what_it_asks_for_and_names_and_nothing_large() -> None:
    item = make_endpoint(script={"source": "return 1"}, **KEYS).to_wire()
    item["spec"] |= {"methods": ["POST"], "requestSchema": {"body": nested(2000)}}
    notice = reading.read_notice(Kind.ENDPOINT, item, is_gone=False)
    assert notice.values == {whole_secret("keys")}
    assert notice.endpoint
    assert (notice.endpoint.spec.host, notice.endpoint.spec.path) == ("shop.example.com", "/orders")
    assert (notice.endpoint.spec.script, notice.endpoint.spec.request_schema) == (None, None)


@pytest.mark.parametrize(
    "change",
    [{"metadata": {"deletionTimestamp": "2026-01-01T12:00:00Z"}}, {"spec": {"path": "from/the/future"}}],
)
def test_one_that_is_going_or_that_we_cannot_read_asks_for_nothing(change: dict[str, Any]) -> None:
    item = make_endpoint(**KEYS).to_wire()
    changed = item | {part: item[part] | fields for part, fields in change.items()}
    notice = reading.read_notice(Kind.ENDPOINT, changed, is_gone=False)
    assert (notice.endpoint, notice.values) == (None, frozenset())


def test_of_an_endpoint_that_is_gone_only_its_name_is_told() -> None:
    notice = reading.read_notice(Kind.ENDPOINT, make_endpoint(**KEYS).to_wire(), is_gone=True)
    assert (notice.endpoint, notice.values, notice.is_gone) == (None, frozenset(), True)


def test_of_a_schema_that_is_too_deep_enough_is_left_to_say_so() -> None:
    item = make_endpoint().to_wire()
    item["spec"] |= {
        "methods": ["POST"],
        "requestSchema": {"body": {"allOf": [nested(5)] * 2}, "query": nested(2000)},
    }
    schemas = read_endpoint(item).spec.request_schema
    assert schemas
    assert schemas.body == {"allOf": [nested(5)] * 2}
    assert "levels deep" in (find_schema_problem(schemas.query or {}) or "")


def test_an_ingress_tells_where_it_is_published() -> None:
    metadata = {"name": "shop"}
    published = [{"hostname": "lb.example.com"}, {"ip": "192.0.2.7"}, {}]
    status = {"loadBalancer": {"ingress": published}}
    assert read_ingress({"metadata": metadata}) == IngressState("shop")
    assert read_ingress({"metadata": metadata, "status": status}) == IngressState(
        "shop", ("192.0.2.7", "lb.example.com")
    )


def test_an_ingress_is_ours_to_remove_only_if_endpoints_own_it() -> None:
    owned = {"metadata": {"ownerReferences": [{"kind": "Endpoint", "name": "a", "uid": "1"}]}}
    assert is_of_endpoints(owned)
    assert not is_of_endpoints({"metadata": {"ownerReferences": [{"kind": "Service", "name": "a"}]}})
    assert not is_of_endpoints({"metadata": {}})
