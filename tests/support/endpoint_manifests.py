"""Good and bad Endpoints: one table that the model and the real API server have to agree on."""

from typing import Any

from tests.support.manifests import CODE, LONGEST_NAME, RUN, Bad, Manifest

PUBLIC: Manifest = {"auth": [{"none": {}}]}
KEYS: Manifest = {"name": "keys"}
HOOK: Manifest = {"name": "hooks", "key": "token"}
ID: Manifest = {"issuer": "https://id.example.com", "audience": "shop"}


def endpoint(name: str = "sample", **spec: Any) -> Manifest:
    """Give an Endpoint's manifest with this spec: public, at /orders, if it does not say otherwise."""
    return {
        "apiVersion": "scriptorium.dev/v1alpha1",
        "kind": "Endpoint",
        "metadata": {"name": name},
        "spec": {"path": "/orders"} | RUN | PUBLIC | spec,
    }


def at(path: Any) -> Manifest:
    """Give the manifest of an Endpoint at a path."""
    return endpoint(path=path)


def asking(*ways: Manifest) -> Manifest:
    """Give the manifest of an Endpoint with this auth."""
    return endpoint(auth=list(ways))


def signed(**hmac: Any) -> Manifest:
    """Give the manifest of an Endpoint that asks for a signature."""
    return asking({"hmac": {"secretRef": HOOK} | hmac})


def cors(*origins: str, **more: Any) -> Manifest:
    """Give the manifest of an Endpoint with these origins."""
    return endpoint(cors={"origins": list(origins)} | more)


def without(field: str, **spec: Any) -> Manifest:
    """Give the manifest of an Endpoint that lacks a field."""
    made = endpoint(**spec)
    return made | {"spec": {name: value for name, value in made["spec"].items() if name != field}}


GOOD: dict[str, Manifest] = {
    "the least": endpoint(),
    "its own script": without("scriptRef", script=CODE | {"limits": {"memoryMB": 8}}),
    "the root": at("/"),
    "a path of every sign": at("/a-Z0.9_~/..a/.../b."),
    "parameters": at("/orders/{id}/lines/{_line2}"),
    "a wildcard": at("/files/{path...}"),
    "a wildcard alone": at("/{path...}"),
    "parameters whose names begin alike": at("/{a}/{ab}/{b}/{abc...}"),
    "literals called as a parameter is": at("/id/{id}/id..."),
    "as many segments as can be": at("/a" * 32),
    "as many parameters as can be": at("".join(f"/{{p{number}}}" for number in range(31)) + "/{rest...}"),
    "a path as long as can be": at("/" + "a" * 511),
    "a parameter whose name is as long as can be": at("/{" + "a" * 63 + "}"),
    "a host with everything of an Ingress": endpoint(
        host="shop.example.com", ingressClassName="nginx", tls={"secretName": "shop-tls"}
    ),
    "a host of one name": endpoint(host="localhost"),
    "a host with numbers": endpoint(host="1.2.3.4.example"),
    "all methods": endpoint(methods=["DELETE", "PATCH", "PUT", "POST", "GET"]),
    "everything else": endpoint(
        suspend=True,
        timeoutSeconds=3600,
        maxBodyKB=0,
        maxResponseKB=10240,
        debug=True,
        mode="Request",
        rateLimit={"requests": 1_000_000, "perSeconds": 86400, "burst": 1, "by": "key"},
        concurrency={"max": 1000, "queue": 1000},
        responseHeaders={"Cache-Control": "no-store", "X-Frame-Options": "DENY", "!#$%&'*+.^_`|~-": ""},
    ),
    "a rate by header": endpoint(rateLimit={"requests": 1, "by": "header", "header": "X-Tenant"}),
    "schemas": endpoint(
        methods=["GET", "POST"],
        requestSchema={"body": {"type": "object", "$defs": {"a": {"enum": [None, 1.5]}}}, "query": {}},
    ),
    "a schema of the query": endpoint(requestSchema={"query": {"required": ["page"]}}),
    "every way": asking(
        {"apiKey": {"secretRef": KEYS}},
        {"apiKey": {"header": "X-Key", "secretRef": KEYS}},
        {"apiKey": {"query": "key", "secretRef": KEYS}},
        {"basic": {"secretRef": KEYS, "realm": "The shop"}},
        {"jwt": ID | {"jwksUri": "https://id.example.com/keys"}},
        {"hmac": {"secretRef": HOOK, "preset": "github"}},
        {"script": {"name": "doorman"}},
    ),
    "anybody, after those who say who they are": asking({"basic": {"secretRef": KEYS}}, {"none": {}}),
    "a token by a Secret": asking(
        {"jwt": ID | {"jwksSecretRef": HOOK, "algorithms": ["EdDSA"], "leewaySeconds": 0}}
    ),
    "a signature of one's own": signed(
        header="X-Signature",
        prefix="sha512=",
        digest="sha512",
        encoding="base64",
        timestampHeader="X-Time",
        toleranceSeconds=1,
    ),
    "a preset with what is so anyway": signed(preset="stripe", digest="sha256", toleranceSeconds=60),
    "all origins": cors("*", headers=["*"], exposedHeaders=["*"]),
    "origins with credentials": cors(
        *("https://app.example.com", "https://*.example.com", "http://localhost:3000", "app-x://a"),
        methods=["PUT"],
        headers=["X-Key"],
        exposedHeaders=["X-Total"],
        credentials=True,
        maxAge=86400,
    ),
    "a name as long as can be": endpoint(LONGEST_NAME),
}

BAD: dict[str, Bad] = {
    "no path": Bad(without("path"), "spec.path"),
    "a path that is no text": Bad(at(1), "spec.path"),
    "an empty path": Bad(at(""), "spec.path"),
    "a path without a slash": Bad(at("orders"), "path must be a path such as /orders"),
    "a slash at the end": Bad(at("/orders/"), "path must be a path such as /orders"),
    "two slashes": Bad(at("/a//b"), "path must be a path such as /orders"),
    "an escape": Bad(at("/caf%C3%A9"), "path must be a path such as /orders"),
    "a letter that is not ASCII": Bad(at("/café"), "path must be a path such as /orders"),
    "a space": Bad(at("/a b"), "path must be a path such as /orders"),
    "a line's end": Bad(at("/a\n"), "path must be a path such as /orders"),
    "a query": Bad(at("/a?b"), "path must be a path such as /orders"),
    "a backslash": Bad(at("/a\\b"), "path must be a path such as /orders"),
    "a star": Bad(at("/a/*"), "path must be a path such as /orders"),
    "a parameter with a colon": Bad(at("/:id"), "path must be a path such as /orders"),
    "a parameter without a name": Bad(at("/{}"), "path must be a path such as /orders"),
    "a parameter that begins with a digit": Bad(at("/{1a}"), "path must be a path such as /orders"),
    "a parameter with a hyphen": Bad(at("/{a-b}"), "path must be a path such as /orders"),
    "a parameter that is not closed": Bad(at("/{id"), "path must be a path such as /orders"),
    "a parameter that is part of a segment": Bad(at("/a{id}"), "path must be a path such as /orders"),
    "a parameter with a long name": Bad(at("/{" + "a" * 64 + "}"), "path must be a path such as /orders"),
    "a wildcard that is not the last": Bad(at("/{a...}/b"), "path must be a path such as /orders"),
    "two wildcards": Bad(at("/{a...}/{b...}"), "path must be a path such as /orders"),
    "a wildcard of two dots": Bad(at("/{a..}"), "path must be a path such as /orders"),
    "a dot": Bad(at("/a/./b"), "must not have . or .. as a segment"),
    "two dots": Bad(at("/.."), "must not have . or .. as a segment"),
    "more segments than can be": Bad(at("/a" * 33), "at most 32 segments"),
    "a path that is too long": Bad(at("/" + "a" * 512), "spec.path"),
    "two parameters of one name": Bad(at("/{id}/a/{id}"), "must not name two parameters alike"),
    "a wildcard of a parameter's name": Bad(at("/{a}/{id}/{id...}"), "must not name two parameters alike"),
    "an empty host": Bad(endpoint(host=""), "spec.host"),
    "a host in capitals": Bad(endpoint(host="Shop.example.com"), "spec.host"),
    "a host with a port": Bad(endpoint(host="shop.example.com:80"), "spec.host"),
    "a host with a dot at the end": Bad(endpoint(host="shop.example.com."), "spec.host"),
    "all hosts below one": Bad(endpoint(host="*.example.com"), "spec.host"),
    "a host with a long name": Bad(endpoint(host="a" * 64 + ".com"), "spec.host"),
    "an address": Bad(endpoint(host="192.0.2.1"), "must be a DNS name such as shop.example.com"),
    "a number": Bad(endpoint(host="2130706433"), "must be a DNS name such as shop.example.com"),
    "an IPv6 address": Bad(endpoint(host="[::1]"), "spec.host"),
    "a certificate without a host": Bad(endpoint(tls={"secretName": "a"}), "go with host"),
    "a class without a host": Bad(endpoint(ingressClassName="nginx"), "go with host"),
    "no methods": Bad(endpoint(methods=[]), "spec.methods"),
    "HEAD": Bad(endpoint(methods=["HEAD"]), "spec.methods[0]"),
    "a method in small letters": Bad(endpoint(methods=["get"]), "spec.methods[0]"),
    "a method twice": Bad(endpoint(methods=["GET", "PUT", "GET"]), "Duplicate value"),
    "no script": Bad(without("scriptRef"), "exactly one of scriptRef and script"),
    "two scripts": Bad(endpoint(script=CODE), "exactly one of scriptRef and script"),
    "a script of another namespace": Bad(
        endpoint(scriptRef={"name": "hello", "namespace": "b"}), "spec.scriptRef.namespace"
    ),
    "a timeout of nothing": Bad(endpoint(timeoutSeconds=0), "spec.timeoutSeconds"),
    "a body that is too large": Bad(endpoint(maxBodyKB=10241), "spec.maxBodyKB"),
    "an answer of nothing": Bad(endpoint(maxResponseKB=0), "spec.maxResponseKB"),
    "no auth": Bad(without("auth"), "spec.auth"),
    "an empty auth": Bad(asking(), "spec.auth"),
    "more ways than can be": Bad(asking(*[{"basic": {"secretRef": KEYS}}] * 9), "spec.auth"),
    "a way of nothing": Bad(asking({}), "exactly one of none, apiKey"),
    "a way of two things": Bad(asking({"none": {}, "basic": {"secretRef": KEYS}}), "exactly one of none"),
    "none before others": Bad(
        asking({"none": {}}, {"basic": {"secretRef": KEYS}}), "none must be the last entry of auth"
    ),
    "none twice": Bad(asking({"none": {}}, {"none": {}}), "none must be the last entry of auth"),
    "none with something": Bad(asking({"none": {"a": 1}}), "spec.auth[0].none.a"),
    "a key in two places": Bad(
        asking({"apiKey": {"header": "A", "query": "a", "secretRef": KEYS}}),
        "at most one of header and query",
    ),
    "a key in a header that is none": Bad(
        asking({"apiKey": {"header": "X Key", "secretRef": KEYS}}), "spec.auth[0].apiKey.header"
    ),
    "a key without a Secret": Bad(asking({"apiKey": {}}), "spec.auth[0].apiKey.secretRef"),
    "a Secret's name that leads elsewhere": Bad(
        asking({"basic": {"secretRef": {"name": "../a"}}}), "spec.auth[0].basic.secretRef.name"
    ),
    "a realm with a quote": Bad(
        asking({"basic": {"secretRef": KEYS, "realm": 'a"'}}), "spec.auth[0].basic.realm"
    ),
    "a token without keys": Bad(asking({"jwt": ID}), "exactly one of jwksUri and jwksSecretRef"),
    "a token with two sets of keys": Bad(
        asking({"jwt": ID | {"jwksUri": "https://a", "jwksSecretRef": HOOK}}),
        "exactly one of jwksUri and jwksSecretRef",
    ),
    "keys at a place that is none": Bad(
        asking({"jwt": ID | {"jwksUri": "file:///a"}}), "spec.auth[0].jwt.jwksUri"
    ),
    "keys behind a password": Bad(
        asking({"jwt": ID | {"jwksUri": "https://a:b@c"}}), "spec.auth[0].jwt.jwksUri"
    ),
    "a token without an audience": Bad(
        asking({"jwt": {"issuer": "a", "jwksUri": "https://a"}}), "spec.auth[0].jwt.audience"
    ),
    "a token that is signed by nobody": Bad(
        asking({"jwt": ID | {"jwksUri": "https://a", "algorithms": ["none"]}}),
        "spec.auth[0].jwt.algorithms[0]",
    ),
    "a token with a shared secret": Bad(
        asking({"jwt": ID | {"jwksUri": "https://a", "algorithms": ["HS256"]}}),
        "spec.auth[0].jwt.algorithms[0]",
    ),
    "a signature of nothing": Bad(signed(), "give preset, or header"),
    "a signature of two kinds": Bad(signed(preset="github", header="X-A"), "give preset, or header"),
    "a preset with another hash": Bad(signed(preset="github", digest="sha512"), "give preset, or header"),
    "a preset with a prefix": Bad(signed(preset="github", prefix="a"), "give preset, or header"),
    "a preset with a time of its own": Bad(
        signed(preset="slack", timestampHeader="X-Time"), "give preset, or header"
    ),
    "an unknown preset": Bad(signed(preset="gitlab"), "spec.auth[0].hmac.preset"),
    "a weak hash": Bad(signed(header="X-A", digest="sha1"), "spec.auth[0].hmac.digest"),
    "no origins": Bad(cors(), "spec.cors.origins"),
    "an origin without a scheme": Bad(cors("app.example.com"), "spec.cors.origins[0]"),
    "an origin with a path": Bad(cors("https://app.example.com/"), "spec.cors.origins[0]"),
    "an origin in capitals": Bad(cors("https://App.example.com"), "spec.cors.origins[0]"),
    "an origin that is null": Bad(cors("null"), "spec.cors.origins[0]"),
    "an origin with a star within": Bad(cors("https://a.*.com"), "spec.cors.origins[0]"),
    "credentials from anywhere": Bad(cors("*", credentials=True), "credentials cannot go with *"),
    "credentials with all headers": Bad(
        cors("https://a.example.com", credentials=True, headers=["*"]), "credentials cannot go with *"
    ),
    "credentials with all exposed headers": Bad(
        cors("https://a.example.com", credentials=True, exposedHeaders=["*"]), "credentials cannot go with *"
    ),
    "no methods for pages": Bad(cors("*", methods=[]), "spec.cors.methods"),
    "a method for pages twice": Bad(cors("*", methods=["PUT", "PUT"]), "Duplicate value"),
    "a header for pages that is none": Bad(cors("*", headers=["a:b"]), "spec.cors.headers[0]"),
    "pages that remember for long": Bad(cors("*", maxAge=86401), "spec.cors.maxAge"),
    "a rate of nothing": Bad(endpoint(rateLimit={"requests": 0}), "spec.rateLimit.requests"),
    "a rate without a number": Bad(endpoint(rateLimit={}), "spec.rateLimit.requests"),
    "a rate by a header without one": Bad(
        endpoint(rateLimit={"requests": 1, "by": "header"}), "header goes with by: header"
    ),
    "a header without a rate by it": Bad(
        endpoint(rateLimit={"requests": 1, "header": "X-A"}), "header goes with by: header"
    ),
    "a rate by something else": Bad(endpoint(rateLimit={"requests": 1, "by": "user"}), "spec.rateLimit.by"),
    "a concurrency of nothing": Bad(endpoint(concurrency={"max": 0}), "spec.concurrency.max"),
    "a line that is too long": Bad(endpoint(concurrency={"max": 1, "queue": 1001}), "spec.concurrency.queue"),
    "a header of the connection": Bad(
        endpoint(responseHeaders={"Transfer-Encoding": "chunked"}), "not those of the connection"
    ),
    "a header's name that is none": Bad(endpoint(responseHeaders={"X A": "b"}), "such as Cache-Control"),
    "a header's name that is empty": Bad(endpoint(responseHeaders={"": "b"}), "such as Cache-Control"),
    "a header's name that is too long": Bad(
        endpoint(responseHeaders={"a" * 129: "b"}), "such as Cache-Control"
    ),
    "a header that is two": Bad(
        endpoint(responseHeaders={"X-A": "a\r\nSet-Cookie: b=c"}), "spec.responseHeaders.X-A"
    ),
    "more headers than can be": Bad(
        endpoint(responseHeaders={f"X-{number}": "" for number in range(33)}), "spec.responseHeaders"
    ),
    "a schema that is a list": Bad(endpoint(requestSchema={"query": []}), "spec.requestSchema.query"),
    "a schema of a body that nobody sends": Bad(
        endpoint(requestSchema={"body": {}}), "requestSchema.body goes with methods that have a body"
    ),
    "the mode of another day": Bad(endpoint(mode="Application"), "spec.mode"),
    "annotations for the Ingress": Bad(endpoint(annotations={"a": "b"}), "spec.annotations"),
    "a name that is too long": Bad(endpoint("n" * 64), "at most 63 characters"),
}
