"""What the operator's numbers say of work on a real API server."""

import pytest

from tests.integration.operator.processes import OperatorProcess, StartOperator
from tests.integration.operator.test_operator import apply_script, wait_for_pool
from tests.support.kubectl import Kubectl
from tests.support.waiting import until

pytestmark = pytest.mark.cluster

PREFIX = "scriptorium_operator_"


def read(operator: OperatorProcess, name: str) -> float:
    return operator.read_metrics().get(PREFIX + name, 0.0)


def test_writes_reconciles_and_requests_are_counted(
    start_operator: StartOperator, kubectl: Kubectl, namespace: str
) -> None:
    operator = start_operator()
    until(lambda: read(operator, "leader") == 1, 30, "it leads")
    apply_script(kubectl, namespace)
    wait_for_pool(kubectl, namespace)
    for name in (
        'writes_total{kind="Deployment",verb="apply"}',
        'writes_total{kind="Script",verb="status"}',
        'reconciles_total{kind="Script",outcome="done"}',
        'reconciles_total{kind="RunnerPool",outcome="done"}',
        'api_requests_total{code="200",method="PATCH"}',
    ):
        until(lambda name=name: read(operator, name) >= 1, 20, f"{name} is counted")
    assert operator.read_metrics()[PREFIX + 'task_deaths_total{task="sweep"}'] == 0


def test_a_replica_that_stands_by_shows_its_numbers_too(start_operator: StartOperator) -> None:
    leading, standing_by = start_operator(), start_operator()
    until(lambda: read(leading, "leader") == 1, 30, "the first one leads")
    metrics = standing_by.read_metrics()
    assert metrics[PREFIX + "leader"] == 0
    assert metrics[PREFIX + 'api_requests_total{code="200",method="GET"}'] > 0
