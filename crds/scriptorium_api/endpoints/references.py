"""What an Endpoint names of its namespace: Scripts, and the Secrets of its auth; for operator and runner."""

from collections.abc import Iterator

from scriptorium_api import names
from scriptorium_api.endpoints.auth import Way
from scriptorium_api.endpoints.endpoint import Endpoint
from scriptorium_api.env import EnvKeyRef, Origin, ValueRef, whole_secret


def find_script_name(endpoint: Endpoint) -> str:
    """Give the name of the Script that an Endpoint runs, be it its own."""
    reference = endpoint.spec.script_ref
    return reference.name if reference else names.inline_script_name(endpoint.metadata.name, "Endpoint")


def list_scripts(endpoint: Endpoint) -> tuple[str, ...]:
    """Give the names of all Scripts that an Endpoint needs, the one that answers first."""
    asked = [way.script.name for way in endpoint.spec.auth if way.script]
    return tuple(dict.fromkeys([find_script_name(endpoint), *asked]))


def list_secrets(endpoint: Endpoint) -> frozenset[ValueRef]:
    """Give what auth takes from Secrets: whole ones for API keys and passwords, else single keys."""
    return frozenset(value for way in endpoint.spec.auth for value in _list_secrets(way))


def _list_secrets(way: Way) -> Iterator[ValueRef]:
    for each in (way.api_key, way.basic):
        if each:
            yield whole_secret(each.secret_ref.name)
    if way.jwt and way.jwt.jwks_secret_ref:
        yield _name_key(way.jwt.jwks_secret_ref)
    if way.hmac:
        yield _name_key(way.hmac.secret_ref)


def _name_key(ref: EnvKeyRef) -> ValueRef:
    return ValueRef(Origin.SECRET, ref.name, ref.key)
