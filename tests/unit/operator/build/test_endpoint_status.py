from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from scriptorium_api.conditions import Condition
from scriptorium_api.endpoints.conflicts import Conflict
from scriptorium_api.endpoints.endpoint import Endpoint, EndpointStatus
from scriptorium_api.endpoints.traffic import Method
from scriptorium_api.env import whole_secret
from scriptorium_api.script import Script
from scriptorium_operator.build.endpoint_status import build_endpoint_status
from scriptorium_operator.build.script_status import build_script_status
from scriptorium_operator.decide import verdicts
from scriptorium_operator.endpoint_facts import EndpointScene, IngressState, PoolState, Standing
from scriptorium_operator.facts import Problem, SyntaxFault
from tests.unit.operator.fakes import NOW, make_endpoint, make_script


def judged(fault: SyntaxFault | None = None, **changes: Any) -> Script:
    script = make_script(**changes)
    status = build_script_status(script, verdicts.judge_fault(fault), "sha256:x", NOW)
    return script.model_copy(update={"status": status})


SCENE = EndpointScene(
    standing=Standing(),
    script_name="hello",
    script=judged(),
    ingress=IngressState("shop", ("192.0.2.7", "lb.example.com")),
    pool=PoolState(is_serving=True),
)
BROKEN = judged(SyntaxFault("unexpected token", 3, 14))
SUSPENDED = judged(spec={"source": "return 1", "suspend": True})


def build(scene: EndpointScene = SCENE, endpoint: Endpoint | None = None) -> EndpointStatus:
    return build_endpoint_status(endpoint or make_endpoint(), scene, NOW)


def find(status: EndpointStatus, kind: str = "Ready") -> Condition:
    return next(each for each in status.conditions if each.type == kind)


def test_an_endpoint_that_lacks_nothing_is_ready_and_says_where_it_is_published() -> None:
    status = build()
    assert find(status).status == "True"
    assert "192.0.2.7, lb.example.com" in find(status, "Programmed").message
    assert {each.observed_generation for each in status.conditions} == {2}


def test_parameters_stand_in_url_and_routes_as_in_the_path() -> None:
    endpoint = make_endpoint(path="/a/{id}", methods=["POST", "GET"], tls={"secretName": "cert"})
    status = build(endpoint=endpoint)
    assert status.url == "https://shop.example.com/a/{id}"
    assert status.methods == "POST,GET"
    assert status.routes == ["POST https://shop.example.com/a/{id}", "GET https://shop.example.com/a/{id}"]


TAKEN = Standing(conflict=Conflict((Method.GET,), None), is_served=False)
LOST = Standing(conflict=Conflict((Method.GET,), "older"), is_served=False)


@pytest.mark.parametrize(
    ("changes", "reason", "words"),
    [
        ({"problem": Problem("Refused", "no room")}, "Refused", "no room"),
        ({"standing": Standing(is_allowed=False, is_served=False)}, "HostNotAllowed", "may have"),
        ({"standing": TAKEN}, "HostTaken", "Host shop.example.com is taken"),
        (
            {"standing": LOST},
            "Conflict",
            "GET of shop.example.com/orders is of the older Endpoint team/older",
        ),
        ({"script": None}, "ScriptNotFound", "Script hello does not exist"),
        ({"missing": ("door",)}, "ScriptNotFound", "Script door does not exist"),
        ({"script": BROKEN}, "ScriptNotReady", "unexpected token at 3:14"),
        ({"script": SUSPENDED}, "ScriptNotReady", "spec.suspend"),
        ({"pool": None}, "PoolStarting", "RunnerPool"),
        ({"pool": PoolState(is_serving=False)}, "RunnersNotReady", "No runner pod"),
        ({"secrets": frozenset({whole_secret("keys")})}, "SecretsPending", 'Secret "keys"'),
        (
            {
                "secrets": frozenset({whole_secret("keys")}),
                "pool": PoolState(is_serving=True, problem="too many"),
            },
            "SecretsPending",
            "too many",
        ),
    ],
)
def test_what_keeps_an_endpoint_from_answering_is_told_with_the_cure(
    changes: dict[str, Any], reason: str, words: str
) -> None:
    ready = find(build(replace(SCENE, **changes)))
    assert (ready.status, ready.reason) == ("False", reason)
    assert words in ready.message


def test_a_suspended_endpoint_says_so_and_stays_in_its_ingress() -> None:
    status = build(endpoint=make_endpoint(suspend=True))
    assert (find(status).reason, find(status, "Suspended").status) == ("Suspended", "True")
    assert find(status, "Programmed").status == "True"


def test_a_new_version_that_does_not_compile_leaves_the_old_one_serving_and_says_so() -> None:
    before = build()
    endpoint = make_endpoint().model_copy(update={"status": before})
    after = build_endpoint_status(endpoint, replace(SCENE, script=BROKEN), NOW + timedelta(minutes=1))
    ready = find(after)
    assert (ready.status, ready.reason) == ("True", "OldVersionServes")
    assert "SyntaxError: unexpected token at 3:14" in ready.message
    assert ready.last_transition_time == NOW
    # And again, as long as it is so.
    again = build(replace(SCENE, script=BROKEN), endpoint.model_copy(update={"status": after}))
    assert find(again).reason == "OldVersionServes"
    gone = replace(SCENE, script=BROKEN, pool=PoolState(is_serving=False))
    assert find(build(gone, endpoint)).reason == "RunnersNotReady"


def test_no_old_version_serves_where_the_endpoint_has_another_script_now() -> None:
    before = build(replace(SCENE, script_name="other"))
    endpoint = make_endpoint().model_copy(update={"status": before})
    assert find(build(replace(SCENE, script=BROKEN), endpoint)).reason == "ScriptNotReady"


def test_secrets_are_told_of_only_where_auth_names_some() -> None:
    assert [each.type for each in build().conditions] == [
        "Ready",
        "Programmed",
        "Conflict",
        "ScriptFound",
        "Suspended",
    ]
    keys = frozenset({whole_secret("keys")})
    scene = replace(SCENE, secrets=keys, pool=PoolState(is_serving=True, values=keys))
    assert find(build(scene), "SecretsPending").status == "False"
    assert find(build(scene)).status == "True"


def test_ready_names_the_secrets_of_which_nobody_here_knows_whether_they_exist() -> None:
    keys = frozenset({whole_secret("keys"), whole_secret("hooks")})
    scene = replace(SCENE, secrets=keys, pool=PoolState(is_serving=True, values=keys))
    assert find(build(scene)).message.endswith("a Secret that auth names does not exist: hooks, keys.")
    assert "Secret" not in find(build()).message


def test_secrets_that_were_mounted_stay_so_while_pods_are_replaced_by_an_operator_that_knows_no_before() -> (
    None
):
    keys = frozenset({whole_secret("keys")})
    mounted = replace(SCENE, secrets=keys, pool=PoolState(is_serving=True, values=keys))
    endpoint = make_endpoint().model_copy(update={"status": build(mounted)})
    unknown = replace(mounted, pool=PoolState(is_serving=True))
    assert find(build(unknown, endpoint)).status == "True"
    newer = endpoint.metadata.model_copy(update={"generation": 3})
    assert find(build(unknown, endpoint.model_copy(update={"metadata": newer}))).reason == "SecretsPending"


def test_the_longest_endpoint_has_a_status_that_the_schema_takes() -> None:
    host = ".".join(["h" * 63] * 3 + ["h" * 61])
    endpoint = make_endpoint(
        "n" * 63,
        host=host,
        path="/" + "p" * 511,
        methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        tls={"secretName": "s"},
    )
    everything = tuple(Method)
    for conflict in (Conflict(everything, None), Conflict(everything, "n" * 63)):
        build(replace(SCENE, standing=Standing(conflict=conflict, is_served=False)), endpoint)
