"""Endpoint: a Script behind HTTP."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from scriptorium_api.base import Metadata, Model, Object, rule, validated_by
from scriptorium_api.conditions import Condition
from scriptorium_api.endpoints import paths
from scriptorium_api.endpoints.auth import HEADER_SIGNS, MAX_HEADER_NAME, Auth
from scriptorium_api.endpoints.traffic import Concurrency, Cors, Method, Methods, RateLimit, RequestSchema
from scriptorium_api.execution import ScriptRef
from scriptorium_api.names import API_VERSION, MAX_ANY_NAME, MAX_NAME, NAME_FORM
from scriptorium_api.script import Code, check_name

#: An answer and a body are held in memory, by the runner and by the script.
MAX_BODY_KB = 10240

_ONE_SCRIPT = "give exactly one of scriptRef and script"
_NEEDS_HOST = "tls and ingressClassName go with host: without one there is no Ingress"
_HOST_STAYS = "host cannot be changed: delete this Endpoint and create another, whose age begins anew"
_NEEDS_BODY = "requestSchema.body goes with methods that have a body: POST, PUT, PATCH or DELETE"
_BAD_HOST = "host must be a DNS name such as shop.example.com, no address"
_BAD_HEADERS = "responseHeaders must have names such as Cache-Control, and not those of the connection"


def _check_path(text: str) -> str:
    paths.parse_pattern(text)
    return text


def _in_cel(expression: str) -> str:
    return "'{}'".format(expression.replace("\\", "\\\\"))


PathText = Annotated[
    str,
    Field(
        min_length=1,
        max_length=paths.MAX_PATH,
        json_schema_extra=validated_by(
            rule(f"self.matches({_in_cel(paths.SHAPE)})", f"path {paths.IS_NONE}"),
            rule("!self.matches('(^|/)[.][.]?(/|$)')", f"path {paths.HAS_DOTS}"),
            rule(f"self.matches('^(/[^/]*){{0,{paths.MAX_SEGMENTS}}}$')", f"path {paths.IS_DEEP}"),
            # What stands twice is found at two places; {name...} holds no {name}, so that is looked for too.
            rule(
                "self.split('/').all(s, !s.startsWith('{') || self.indexOf(s) == self.lastIndexOf(s))"
                " && (!self.matches('[{][^/{]*[.]{3}[}]$')"
                " || self.indexOf(self.substring(self.lastIndexOf('{'), self.size() - 4) + '}') == -1)",
                f"path {paths.NAMES_TWICE}",
            ),
        ),
    ),
    AfterValidator(_check_path),
]


def _check_host(name: str) -> str:
    if name.rpartition(".")[2].isdigit():
        raise ValueError(_BAD_HOST)
    return name


HostName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=253,
        pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?([.][a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$",
        json_schema_extra=validated_by(rule("!self.matches('(^|[.])[0-9]+$')", _BAD_HOST)),
    ),
    AfterValidator(_check_host),
]

#: Headers that are the server's alone, and those by which a proxy would answer with a place of its own.
CONNECTION_HEADERS = frozenset(
    {
        "connection",
        "content-length",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-accel-redirect",
        "x-sendfile",
    }
)


def _check_headers(headers: dict[str, str]) -> dict[str, str]:
    if not all(_is_free_header(name) for name in headers):
        raise ValueError(_BAD_HEADERS)
    return headers


def _is_free_header(name: str) -> bool:
    is_name = len(name) <= MAX_HEADER_NAME and re.fullmatch(f"[{HEADER_SIGNS}]+", name)
    return bool(is_name) and name.lower() not in CONNECTION_HEADERS


_HEADER_LIST = ", ".join(f"'{name}'" for name in sorted(CONNECTION_HEADERS))

ResponseHeaders = Annotated[
    # The names are judged below: a CRD's schema has no rule for the names of a map.
    dict[str, Annotated[str, Field(max_length=1024, pattern=r"^[\x20-\x7E]*$")]],
    Field(
        max_length=32,
        json_schema_extra=validated_by(
            rule(
                f'self.all(n, n.size() <= {MAX_HEADER_NAME} && n.matches("^[{HEADER_SIGNS}]+$")'
                f" && !(n.lowerAscii() in [{_HEADER_LIST}]))",
                _BAD_HEADERS,
            )
        ),
    ),
    AfterValidator(_check_headers),
]


class Tls(Model):
    """The certificate of the host."""

    secret_name: str = Field(max_length=MAX_ANY_NAME, pattern=NAME_FORM)
    """The Secret of type kubernetes.io/tls that the ingress controller takes it from."""


class EndpointSpec(Model):
    """Where requests come in, who may make them, and the script that answers."""

    model_config = ConfigDict(
        json_schema_extra=validated_by(
            rule("has(self.scriptRef) != has(self.script)", _ONE_SCRIPT),
            # An old Endpoint would take another's host by an edit, since the older has it.
            rule(
                "has(self.host) == has(oldSelf.host) && (!has(self.host) || self.host == oldSelf.host)",
                _HOST_STAYS,
            ),
            rule("has(self.host) || !(has(self.tls) || has(self.ingressClassName))", _NEEDS_HOST),
            rule(
                "!has(self.requestSchema) || !has(self.requestSchema.body)"
                " || self.methods.exists(m, m != 'GET')",
                _NEEDS_BODY,
            ),
        )
    )

    host: HostName | None = None
    """The DNS name that the Ingress is for; if absent there is no Ingress, and the Endpoint is reached inside
    the cluster alone, by the pool's Service."""
    path: PathText
    """The path, such as /orders, /orders/{id} or /files/{path...}."""
    methods: Methods = Field(default=[Method.GET])
    """The methods that the script answers (default GET); HEAD comes with GET, OPTIONS by itself."""
    ingress_class_name: str | None = Field(default=None, max_length=MAX_ANY_NAME, pattern=NAME_FORM)
    """The class of the Ingress; if absent, the chart's, else the cluster's default."""
    tls: Tls | None = None
    """Serves the host by HTTPS."""
    script_ref: ScriptRef | None = None
    """The Script that answers."""
    script: Code | None = None
    """A script to answer instead: the operator makes a Script of it, which this Endpoint owns."""
    suspend: bool = False
    """While true, requests get 404, as if the Endpoint were not there."""
    timeout_seconds: int | None = Field(default=None, ge=1, le=3600)
    """A shorter wall-clock limit in seconds for each request, after which it gets 504; it never lengthens the
    Script's."""
    max_body_kb: int = Field(default=1024, ge=0, le=MAX_BODY_KB)
    """The largest body of a request in KiB; a larger one gets 413 (default 1024, at most 10240)."""
    max_response_kb: int = Field(default=1024, ge=1, le=MAX_BODY_KB)
    """The largest body of an answer in KiB; a larger one is a 500 (default 1024, at most 10240). The script's
    outputKB does not count here: no status keeps an answer."""
    auth: Auth
    """Who may call: the first entry whose credentials are there decides. Public is written none: {}."""
    cors: Cors | None = None
    """Which web pages of other origins may call; if absent, none."""
    rate_limit: RateLimit | None = None
    """How many requests each caller may make; divided among the runners that are ready."""
    concurrency: Concurrency | None = None
    """How many requests are worked on at a time; divided among the runners that are ready."""
    response_headers: ResponseHeaders | None = None
    """Headers of every answer, unless the script gives the same."""
    request_schema: RequestSchema | None = None
    """What requests must look like."""
    debug: bool = False
    """Whether the answer of a script that failed tells its error and logs; else it tells the request's id
    alone."""
    mode: Literal["Request"] = "Request"
    """Request: a fresh sandbox for every request."""

    @model_validator(mode="after")
    def _is_consistent(self) -> "EndpointSpec":
        if (self.script_ref is None) == (self.script is None):
            raise ValueError(_ONE_SCRIPT)
        if self.host is None and (self.tls is not None or self.ingress_class_name is not None):
            raise ValueError(_NEEDS_HOST)
        has_body_schema = self.request_schema is not None and self.request_schema.body is not None
        if has_body_schema and set(self.methods) == {Method.GET}:
            raise ValueError(_NEEDS_BODY)
        return self


class EndpointStatus(Model):
    """Whether the Endpoint answers, and where."""

    observed_generation: int = Field(default=0, ge=0)
    """The metadata.generation that this status speaks of."""
    url: str | None = Field(default=None, max_length=1024)
    """Where it answers; parameters as in the path."""
    methods: str = Field(default="", max_length=64)
    """The methods that it answers, with commas between."""
    script: str | None = Field(default=None, max_length=MAX_NAME)
    """The Script that answers."""
    routes: list[Annotated[str, Field(max_length=1024, description="A method and a URL.")]] = Field(
        default=[], max_length=8
    )
    """The method and URL of each route."""
    conditions: list[Condition] = Field(default=[], max_length=8)
    """Ready: requests are answered. Programmed: the Ingress is in place. Conflict: host and path are an older
    Endpoint's. ScriptFound: its Scripts are there. Suspended: requests get 404. SecretsPending: runners have
    not got the Secrets of auth yet."""


class Endpoint(Object):
    """A URL: each request runs a Script in a fresh sandbox, and the Script's result is the answer."""

    model_config = ConfigDict(
        json_schema_extra=validated_by(
            rule(
                f"self.metadata.name.size() <= {MAX_NAME}", f"the name must be at most {MAX_NAME} characters"
            )
        )
    )

    api_version: Literal["scriptorium.dev/v1alpha1"] = API_VERSION
    kind: Literal["Endpoint"] = "Endpoint"
    metadata: Metadata
    spec: EndpointSpec
    """Where requests come in, and what answers them."""
    status: EndpointStatus = Field(default=EndpointStatus(), json_schema_extra={"default": None})
    """Whether it answers; written by Scriptorium alone."""

    @model_validator(mode="after")
    def _has_short_name(self) -> "Endpoint":
        check_name(self.metadata)
        return self
