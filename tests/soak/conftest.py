"""The operator and the runners of the checkout, as the tests of the operator start them."""

from tests.integration.operator.conftest import (
    _account,
    _installed_operator_rests,
    operator_kubeconfig,
    start_operator,
)
from tests.integration.operator.test_outage import site

__all__ = ["_account", "_installed_operator_rests", "operator_kubeconfig", "site", "start_operator"]
