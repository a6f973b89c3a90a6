import pytest

from scriptorium_operator.decide.endpoint_standings import is_allowed, judge
from scriptorium_operator.endpoint_settings import HostRule
from tests.unit.operator.fakes import make_endpoint

RULES = (
    HostRule("team-*", ("*.teams.example.com",)),
    HostRule("shop", ("shop.example.com", "*.shop.example.com")),
    HostRule("ops", ("*",)),
    HostRule("none", ()),
)


@pytest.mark.parametrize(
    ("namespace", "host", "is_expected"),
    [
        ("team-a", "a.teams.example.com", True),
        ("team-a", "deep.a.teams.example.com", True),
        ("team-a", "teams.example.com", False),
        ("team-a", "xteams.example.com", False),
        ("team-a", "shop.example.com", False),
        ("my-team-a", "a.teams.example.com", False),
        ("shop", "shop.example.com", True),
        ("shop", "www.shop.example.com", True),
        ("shop", "workshop.example.com", False),
        ("ops", "anything.example.org", True),
        ("none", "shop.example.com", False),
        ("other", "shop.example.com", False),
        ("other", None, True),
    ],
)
def test_a_namespace_may_have_the_hosts_that_its_rules_name(
    namespace: str, host: str | None, *, is_expected: bool
) -> None:
    assert is_allowed(RULES, namespace, host) is is_expected


def test_without_rules_everybody_may_have_any_host() -> None:
    assert is_allowed((), "any", "shop.example.com")


def test_who_has_lost_only_some_methods_is_served_still() -> None:
    reads, both, also = (
        make_endpoint(minutes=-2),
        make_endpoint("both", minutes=-1, methods=["GET", "POST"]),
        (make_endpoint("also")),
    )
    standings = judge([both, also, reads], ())
    assert standings[reads.metadata.uid].conflict is None
    partly, lost = standings[both.metadata.uid], standings[also.metadata.uid]
    assert partly.conflict
    assert (partly.conflict.methods, partly.conflict.with_name, partly.is_served) == (("GET",), "shop", True)
    assert lost.conflict
    assert not lost.is_served


def test_who_may_not_have_a_host_has_no_standing_in_it() -> None:
    early, late = make_endpoint("a", "other", minutes=-5), make_endpoint("b", "shop")
    standings = judge([early, late], RULES)
    assert not standings[early.metadata.uid].is_allowed
    assert not standings[early.metadata.uid].is_served
    assert standings[late.metadata.uid].conflict is None
    assert standings[late.metadata.uid].is_served
