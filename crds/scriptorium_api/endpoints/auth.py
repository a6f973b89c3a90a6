"""Who may call an Endpoint: a list of ways to say who one is."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from scriptorium_api.base import Model, rule, validated_by
from scriptorium_api.env import EnvKeyRef
from scriptorium_api.execution import ScriptRef
from scriptorium_api.names import MAX_ANY_NAME, NAME_FORM

#: More ways to say who one is than any API offers.
MAX_WAYS = 8

_ONE_WAY = "each entry of auth gives exactly one of none, apiKey, basic, jwt, hmac and script"
_NONE_LAST = "none must be the last entry of auth, and so must script: what stands behind is never asked"
_ONE_PLACE = "give at most one of header and query"
_ONE_KEY_SET = "give exactly one of jwksUri and jwksSecretRef"
_ONE_SIGNATURE = "give preset, or header and what else describes the signature, not both"

MAX_HEADER_NAME = 128
#: What names of headers are made of (RFC 9110).
HEADER_SIGNS = "A-Za-z0-9!#$%&'*+.^_`|~-"

#: The name of a header, as HTTP has it.
HeaderName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_HEADER_NAME,
        pattern=f"^[{HEADER_SIGNS}]+$",
        description="A header's name.",
    ),
]


class SecretRef(Model):
    """A Secret of the same namespace, all keys of it."""

    name: str = Field(max_length=MAX_ANY_NAME, pattern=NAME_FORM)
    """The Secret's name."""


class Public(Model):
    """Nothing is asked for."""


class ApiKey(Model):
    """A key that the caller sends."""

    model_config = ConfigDict(
        json_schema_extra=validated_by(rule("!(has(self.header) && has(self.query))", _ONE_PLACE))
    )

    header: HeaderName | None = None
    """The header that carries the key (default X-API-Key)."""
    query: str | None = Field(default=None, min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._~-]+$")
    """The query parameter that carries it instead; URLs end up in logs, so prefer a header."""
    secret_ref: SecretRef
    """Every value of this Secret is a key, and its name says whose: the script sees it as ctx.user.id."""

    @model_validator(mode="after")
    def _has_one_place(self) -> "ApiKey":
        if self.header is not None and self.query is not None:
            raise ValueError(_ONE_PLACE)
        return self


class Basic(Model):
    """HTTP's own user and password."""

    secret_ref: SecretRef
    """Every key of this Secret is a user's name, its value the password."""
    realm: str = Field(default="scriptorium", max_length=128, pattern=r"^[A-Za-z0-9 ._~-]+$")
    """What browsers show when they ask."""


class Algorithm(StrEnum):
    """How a token is signed: by a key whose other half is public. Shared secrets are not taken."""

    RS256 = "RS256"
    RS384 = "RS384"
    RS512 = "RS512"
    PS256 = "PS256"
    PS384 = "PS384"
    PS512 = "PS512"
    ES256 = "ES256"
    ES384 = "ES384"
    ES512 = "ES512"
    EDDSA = "EdDSA"


class Jwt(Model):
    """A token of an identity provider, as `Authorization: Bearer`."""

    model_config = ConfigDict(
        json_schema_extra=validated_by(rule("has(self.jwksUri) != has(self.jwksSecretRef)", _ONE_KEY_SET))
    )

    issuer: str = Field(min_length=1, max_length=512)
    """What the token's iss must be."""
    audience: str = Field(min_length=1, max_length=512)
    """What the token's aud must be or hold."""
    jwks_uri: str | None = Field(default=None, max_length=1024, pattern=r"^https?://[^\s@]+$")
    """Where the provider's keys are; fetched as http calls of scripts are, and kept for some minutes."""
    jwks_secret_ref: EnvKeyRef | None = None
    """A key of a Secret that holds the keys instead, as a JSON Web Key Set."""
    algorithms: list[Annotated[Algorithm, Field(strict=False)]] = Field(
        default=[Algorithm.RS256, Algorithm.ES256], min_length=1, max_length=10
    )
    """The signatures that are taken (default RS256 and ES256)."""
    leeway_seconds: int = Field(default=30, ge=0, le=300)
    """How far the clocks of the provider and of the cluster may differ (default 30)."""

    @model_validator(mode="after")
    def _has_one_key_set(self) -> "Jwt":
        if (self.jwks_uri is None) == (self.jwks_secret_ref is None):
            raise ValueError(_ONE_KEY_SET)
        return self


class Preset(StrEnum):
    """Whose webhooks come in."""

    GITHUB = "github"
    STRIPE = "stripe"
    SLACK = "slack"
    SHOPIFY = "shopify"


class Digest(StrEnum):
    """The hash of a signature."""

    SHA256 = "sha256"
    SHA512 = "sha512"


class SignatureEncoding(StrEnum):
    """How a signature is written."""

    HEX = "hex"
    BASE64 = "base64"


class Hmac(Model):
    """A signature over the raw body, as webhooks have it."""

    model_config = ConfigDict(
        json_schema_extra=validated_by(
            rule(
                "has(self.preset) != has(self.header) && (!has(self.preset) || (self.prefix == ''"
                " && self.digest == 'sha256' && self.encoding == 'hex' && !has(self.timestampHeader)))",
                _ONE_SIGNATURE,
            )
        )
    )

    preset: Annotated[Preset, Field(strict=False)] | None = None
    """github, stripe, slack or shopify: where the signature is, and what it is over."""
    secret_ref: EnvKeyRef
    """The shared secret; while it is being changed up to 8, each in a line of its own."""
    header: HeaderName | None = None
    """Without a preset: the header that carries the signature."""
    prefix: str = Field(default="", max_length=32)
    """Without a preset: what stands before the signature, such as sha256=."""
    digest: Annotated[Digest, Field(strict=False)] = Digest.SHA256
    """Without a preset: the hash (default sha256)."""
    encoding: Annotated[SignatureEncoding, Field(strict=False)] = SignatureEncoding.HEX
    """Without a preset: how the signature is written (default hex)."""
    timestamp_header: HeaderName | None = None
    """Without a preset: the header with the time in Unix seconds; then "TIME.BODY" is signed."""
    tolerance_seconds: int = Field(default=300, ge=1, le=3600)
    """How far off the time of a signature may be, either way, where that is signed too (default 300)."""

    @model_validator(mode="after")
    def _has_one_signature(self) -> "Hmac":
        own = (self.prefix, self.digest, self.encoding, self.timestamp_header)
        is_described = own != ("", Digest.SHA256, SignatureEncoding.HEX, None)
        if (self.preset is None) == (self.header is None) or (self.preset and is_described):
            raise ValueError(_ONE_SIGNATURE)
        return self


_WAYS = ("none", "apiKey", "basic", "jwt", "hmac", "script")


class Way(Model):
    """One way to say who one is: exactly one of these."""

    model_config = ConfigDict(
        json_schema_extra=validated_by(
            rule(f"[{', '.join(f'has(self.{way})' for way in _WAYS)}].filter(x, x).size() == 1", _ONE_WAY)
        )
    )

    none: Public | None = None
    """Anybody may call: `none: {}`."""
    api_key: ApiKey | None = None
    """A key in a header or in the query."""
    basic: Basic | None = None
    """A user's name and password."""
    jwt: Jwt | None = None
    """A token of an identity provider; its claims are ctx.user.claims."""
    hmac: Hmac | None = None
    """A webhook's signature."""
    script: ScriptRef | None = None
    """Another Script decides: it gets the request's head as input, and returns {user: {id: ...}} or
    {allowed: false, message: ...}."""

    @model_validator(mode="after")
    def _is_one(self) -> "Way":
        if len(self.model_fields_set & set(type(self).model_fields)) != 1 or self.way is None:
            raise ValueError(_ONE_WAY)
        return self

    @property
    def way(self) -> Any:
        """Give the one that is given."""
        given = (self.none, self.api_key, self.basic, self.jwt, self.hmac, self.script)
        return next((each for each in given if each is not None), None)


def _check_order(ways: list[Way]) -> list[Way]:
    if any(each.none is not None or each.script is not None for each in ways[:-1]):
        raise ValueError(_NONE_LAST)
    return ways


Auth = Annotated[
    list[Way],
    AfterValidator(_check_order),
    Field(
        min_length=1,
        max_length=MAX_WAYS,
        json_schema_extra=validated_by(
            rule(
                "self.filter(w, has(w.none) || has(w.script)).size()"
                " <= (has(self[size(self) - 1].none) || has(self[size(self) - 1].script) ? 1 : 0)",
                _NONE_LAST,
            ),
        ),
    ),
]
