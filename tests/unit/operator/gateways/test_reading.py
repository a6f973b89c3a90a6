from typing import Any

import pytest

from scriptorium_api.env import Origin, ValueRef
from scriptorium_operator.facts import Address, Kind, RunnerCounts
from scriptorium_operator.gateways import reading


def make_deployment(**status: Any) -> dict[str, Any]:
    return {"metadata": {"generation": 2}, "status": status}


def test_a_deployment_without_status_has_no_pods() -> None:
    assert reading.read_counts({"metadata": {"generation": 1}}) == RunnerCounts()


def test_counts_speak_of_the_generation_that_was_observed() -> None:
    assert not reading.read_counts(make_deployment(observedGeneration=1)).is_observed
    assert reading.read_counts(make_deployment(observedGeneration=2, readyReplicas=1)) == RunnerCounts(
        ready=1, is_observed=True
    )


@pytest.mark.parametrize(
    ("condition", "trouble"),
    [
        ({"type": "Available", "status": "False", "reason": "x", "message": "y"}, None),
        ({"type": "Progressing", "status": "True", "reason": "x", "message": "y"}, None),
        (
            {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "quota"},
            ("FailedCreate", "quota"),
        ),
        (
            {"type": "Progressing", "status": "False", "reason": "Deadline", "message": "slow"},
            ("Deadline", "slow"),
        ),
    ],
)
def test_trouble_is_what_keeps_pods_from_coming(
    condition: dict[str, str], trouble: tuple[str, str] | None
) -> None:
    assert reading.read_counts(make_deployment(conditions=[condition])).trouble == trouble


@pytest.mark.parametrize(
    ("status", "is_unfinished"),
    [
        (None, True),
        ({}, True),
        ({"phase": "Pending"}, True),
        ({"phase": "Running"}, True),
        ({"phase": "Succeeded"}, False),
        ({"phase": "Failed"}, False),
        ({"phase": "TimedOut"}, False),
        ({"phase": "Cancelled"}, False),
    ],
)
def test_a_run_is_unfinished_until_its_phase_is_terminal(
    status: dict[str, str] | None, is_unfinished: bool
) -> None:
    assert reading.is_unfinished({"status": status}) is is_unfinished


def test_the_api_server_has_its_own_addresses_and_that_of_its_service() -> None:
    endpoint_slice = {
        "endpoints": [{"addresses": ["10.0.0.2"]}, {"addresses": ["10.0.0.1"]}],
        "ports": [{"port": 6443}],
    }
    service = {"spec": {"clusterIPs": ["10.96.0.1"], "ports": [{"port": 443}]}}
    assert reading.read_addresses(endpoint_slice, service) == [
        Address("10.96.0.1", 443),
        Address("10.0.0.1", 6443),
        Address("10.0.0.2", 6443),
    ]


def test_a_namespace_that_is_going_is_no_tenant() -> None:
    metadata = {"name": "team", "uid": "n1"}
    assert reading.read_tenant({"metadata": metadata}) is not None
    assert reading.read_tenant({"metadata": metadata | {"deletionTimestamp": "2026-01-01T00:00:00Z"}}) is None


def test_a_script_names_values_of_secrets_and_config_maps_and_none_of_its_own() -> None:
    env = [
        {"name": "A", "value": "1"},
        {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
        {"name": "C", "valueFrom": {"configMapKeyRef": {"name": "m", "key": "k"}}},
        {"name": "D", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
        {"name": "E", "valueFrom": {"somethingNewer": {"name": "s"}}},
    ]
    item = {"metadata": {"name": "a", "namespace": "team", "uid": "1"}, "spec": {"env": env}}
    notice = reading.read_notice(Kind.SCRIPT, item, is_gone=False)
    assert notice.values == {ValueRef(Origin.SECRET, "s", "k"), ValueRef(Origin.CONFIG_MAP, "m", "k")}
    gone = {"metadata": item["metadata"]}
    assert reading.read_notice(Kind.SCRIPT, gone, is_gone=True).values == frozenset()
