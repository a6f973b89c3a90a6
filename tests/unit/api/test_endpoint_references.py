from scriptorium_api import names
from scriptorium_api.endpoints.references import find_script_name, list_scripts, list_secrets
from scriptorium_api.env import Origin, ValueRef, whole_secret
from tests.unit.operator.fakes import make_endpoint

HOOK = {"hmac": {"preset": "github", "secretRef": {"name": "hooks", "key": "token"}}}
TOKEN = {
    "jwt": {"issuer": "i", "audience": "a", "jwksSecretRef": {"name": "identity", "key": "jwks.json"}},
}
KEYS = {"apiKey": {"secretRef": {"name": "keys"}}}
USERS = {"basic": {"secretRef": {"name": "users"}}}
DOOR = {"script": {"name": "door"}}


def test_auth_takes_whole_secrets_of_keys_and_users_and_single_keys_otherwise() -> None:
    endpoint = make_endpoint(auth=[KEYS, USERS, HOOK, TOKEN, DOOR])
    assert list_secrets(endpoint) == {
        whole_secret("keys"),
        whole_secret("users"),
        ValueRef(Origin.SECRET, "hooks", "token"),
        ValueRef(Origin.SECRET, "identity", "jwks.json"),
    }
    assert list_secrets(make_endpoint()) == frozenset()


def test_the_scripts_of_an_endpoint_are_the_one_that_answers_and_those_that_decide_who_may_call() -> None:
    assert list_scripts(make_endpoint(auth=[KEYS, DOOR])) == ("hello", "door")
    own = make_endpoint(script={"source": "return 1"})
    assert find_script_name(own) == names.inline_script_name("shop", "Endpoint")


def test_inline_scripts_of_two_kinds_and_of_long_names_do_not_meet() -> None:
    longest = "n" * 63
    found = {
        names.inline_script_name(name, kind)
        for name in ("a", longest, longest[:-1] + "m")
        for kind in ("CronScript", "Endpoint")
    }
    assert len(found) == 6
    assert all(len(name) <= names.MAX_NAME for name in found)


def test_an_ingress_is_named_for_its_host_class_and_certificate() -> None:
    places = [
        ("a.example.com", "", ""),
        ("a.example.com", "x", ""),
        ("a.example.com", "", "x"),
        ("b.c", "", ""),
    ]
    found = [names.ingress_name(*place) for place in places]
    assert len(set(found)) == len(places)
    assert all(name.startswith(place[0]) for name, place in zip(found, places, strict=True))
    assert len(names.ingress_name(".".join(["h" * 63] * 3), "", "")) <= names.MAX_NAME
