"""Who may call: each way of saying who one is, with Secrets that are really mounted."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.e2e.endpoints.conftest import Site
from tests.support.replies import Reply
from tests.support.waiting import until

pytestmark = pytest.mark.cluster

WHO = "return ctx.user"
ISSUER = "https://id.example.com"
HOOK = b"a webhook's secret"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def encode_number(number: int) -> str:
    return encode(number.to_bytes((number.bit_length() + 7) // 8))


def write_key_set() -> str:
    numbers = KEY.public_key().public_numbers()
    key = {
        "kty": "RSA",
        "kid": "1",
        "alg": "RS256",
        "n": encode_number(numbers.n),
        "e": encode_number(numbers.e),
    }
    return json.dumps({"keys": [key]})


def sign(**changes: Any) -> str:
    claims = {"iss": ISSUER, "aud": "shop", "sub": "u7", "exp": int(time.time()) + 600} | changes
    head = encode(json.dumps({"alg": "RS256", "kid": "1"}).encode())
    body = f"{head}.{encode(json.dumps(claims).encode())}"
    return f"{body}.{encode(KEY.sign(body.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def make_secret(site: Site, name: str, **values: str) -> None:
    manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": values}
    site.kubectl.apply(manifest, site.namespace)


@pytest.fixture(scope="module")
def served(shared_site: Site) -> Site:
    site = shared_site
    make_secret(site, "keys", shop="k-1", lab="k-2")
    make_secret(site, "users", ada="lovelace")
    make_secret(site, "hooks", token=HOOK.decode())
    make_secret(site, "idp", jwks=write_key_set())
    hooks = {"name": "hooks", "key": "token"}
    ways: dict[str, Any] = {
        "key": {"apiKey": {"header": "X-Key", "secretRef": {"name": "keys"}}},
        "basic": {"basic": {"secretRef": {"name": "users"}}},
        "jwt": {
            "jwt": {"issuer": ISSUER, "audience": "shop", "jwksSecretRef": {"name": "idp", "key": "jwks"}}
        },
        "github": {"hmac": {"preset": "github", "secretRef": hooks}},
        "stripe": {"hmac": {"preset": "stripe", "secretRef": hooks}},
        "slack": {"hmac": {"preset": "slack", "secretRef": hooks}},
        "shopify": {"hmac": {"preset": "shopify", "secretRef": hooks}},
        "own": {"hmac": {"header": "X-Sum", "digest": "sha512", "encoding": "base64", "secretRef": hooks}},
        "script": {"script": {"name": "judge"}},
    }
    judge = 'return input.headers["x-pass"] === "open" ? { user: { id: "doorman" } } : { allowed: false }'
    site.kubectl.apply(
        {
            "apiVersion": "scriptorium.dev/v1alpha1",
            "kind": "Script",
            "metadata": {"name": "judge"},
            "spec": {"source": judge},
        },
        site.namespace,
    )
    for name, way in ways.items():
        site.apply(name, f"/{name}", WHO, methods=["GET", "POST"], auth=[way])
    site.apply("both", "/both", "return ctx.user ?? 'nobody'", auth=[ways["key"], {"none": {}}])
    for name in (*ways, "both"):
        site.wait(name, "Ready")
    site.wait_for("/both")
    # Secrets reach the pods with their volume, which a new name of one renews.
    until(lambda: site.visitor.get("/key", X_Key="k-1").status == 200, 120, "the keys are known")
    return site


def test_a_key_says_whose_it_is(served: Site) -> None:
    assert served.visitor.get("/key", X_Key="k-2").json()["id"] == "lab"
    for wrong in ({}, {"X_Key": ""}, {"X_Key": "k-3"}):
        reply = served.visitor.get("/key", **wrong)
        assert (reply.status, reply.headers["content-type"]) == (401, "application/problem+json")


def test_a_wrong_key_is_not_taken_for_none(served: Site) -> None:
    assert served.visitor.get("/both").body == b"nobody"
    assert served.visitor.get("/both", X_Key="k-3").status == 401


def test_a_password_says_who_one_is(served: Site) -> None:
    def ask(user: str, password: str) -> Reply:
        return served.visitor.get("/basic", Authorization=f"Basic {encode_basic(user, password)}")

    assert ask("ada", "lovelace").json()["id"] == "ada"
    assert ask("ada", "x").status == 401
    assert ask("bob", "lovelace").status == 401
    assert served.visitor.get("/basic").headers["www-authenticate"].startswith("Basic ")


def encode_basic(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def test_a_token_of_the_provider_says_who_one_is(served: Site) -> None:
    def ask(token: str) -> Reply:
        return served.visitor.get("/jwt", Authorization=f"Bearer {token}")

    assert ask(sign()).json()["id"] == "u7"
    for wrong in (sign(aud="other"), sign(iss="https://x"), sign(exp=1), sign()[:-4] + "AAAA", "x"):
        reply = ask(wrong)
        assert reply.status == 401
        assert reply.headers["www-authenticate"].startswith("Bearer ")


def sign_github(body: bytes) -> dict[str, str]:
    return {"X-Hub-Signature-256": "sha256=" + hmac.new(HOOK, body, "sha256").hexdigest()}


def sign_stripe(body: bytes) -> dict[str, str]:
    now = int(time.time())
    signature = hmac.new(HOOK, b"%d.%s" % (now, body), "sha256").hexdigest()
    return {"Stripe-Signature": f"t={now},v1={signature}"}


def sign_slack(body: bytes) -> dict[str, str]:
    now = str(int(time.time()))
    signature = hmac.new(HOOK, f"v0:{now}:".encode() + body, "sha256").hexdigest()
    return {"X-Slack-Signature": f"v0={signature}", "X-Slack-Request-Timestamp": now}


def sign_shopify(body: bytes) -> dict[str, str]:
    return {"X-Shopify-Hmac-Sha256": base64.b64encode(hmac.digest(HOOK, body, "sha256")).decode()}


def sign_own(body: bytes) -> dict[str, str]:
    return {"X-Sum": base64.b64encode(hmac.digest(HOOK, body, hashlib.sha512)).decode()}


@pytest.mark.parametrize(
    ("name", "signed"),
    [
        ("github", sign_github),
        ("stripe", sign_stripe),
        ("slack", sign_slack),
        ("shopify", sign_shopify),
        ("own", sign_own),
    ],
)
def test_a_webhook_is_known_by_its_signature(
    served: Site, name: str, signed: Callable[[bytes], dict[str, str]]
) -> None:
    body = b'{"n": 1}'
    assert served.visitor.send("POST", f"/{name}", body, signed(body)).status in (200, 204)
    assert served.visitor.send("POST", f"/{name}", body + b" ", signed(body)).status == 401
    assert served.visitor.send("POST", f"/{name}", body).status == 401


def test_a_script_may_decide(served: Site) -> None:
    assert served.visitor.get("/script", X_Pass="open").json()["id"] == "doorman"  # noqa: S106 - a word.
    assert served.visitor.get("/script", X_Pass="x").status == 403  # noqa: S106 - a word.


def test_a_key_is_changed_without_a_restart(served: Site) -> None:
    runners = ("-l", "app.kubernetes.io/component=runner")
    before = {pod["metadata"]["uid"] for pod in served.kubectl.list("pods", served.namespace, *runners)}
    make_secret(served, "keys", shop="k-9", lab="k-2")
    # As soon as the kubelet has synced the volume.
    until(lambda: served.visitor.get("/key", X_Key="k-9").status == 200, 180, "the new key is known")
    assert served.visitor.get("/key", X_Key="k-1").status == 401
    after = {pod["metadata"]["uid"] for pod in served.kubectl.list("pods", served.namespace, *runners)}
    # Pods of a former rollout may have gone meanwhile.
    assert after <= before
