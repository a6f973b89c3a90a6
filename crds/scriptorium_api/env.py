"""What a Script is given from outside: values of its own, and of the namespace's Secrets and ConfigMaps."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from scriptorium_api.base import Model, rule, validated_by
from scriptorium_api.names import MAX_ANY_NAME, NAME_FORM

#: More than anybody's script names; together with the next number it is what one run can be given at most.
MAX_ENV = 64

#: A value that stands in the manifest itself; every runner keeps every Script in memory.
MAX_INLINE_BYTES = 1024

#: All values of a Script together, wherever they come from: as much as a source, or an input.
MAX_ENV_BYTES = 64 * 1024

_ONE_VALUE = "give exactly one of value and valueFrom"
_ONE_ORIGIN = "give exactly one of secretKeyRef and configMapKeyRef"
_TOO_LARGE = f"value must be at most {MAX_INLINE_BYTES} bytes; put a larger one into a ConfigMap or Secret"


class Origin(StrEnum):
    """The kinds of objects that hold values."""

    SECRET = "Secret"  # noqa: S105 - the name of a kind.
    CONFIG_MAP = "ConfigMap"


#: Where the volume of runner pods keeps the values of each kind.
_FOLDERS = {Origin.SECRET: "secrets", Origin.CONFIG_MAP: "config-maps"}


@dataclass(frozen=True, slots=True, order=True)
class ValueRef:
    """One value: where operator and runner agree that it is."""

    origin: Origin
    name: str
    key: str
    """Empty stands for a whole Secret, all keys of it: see `whole_secret`."""

    @property
    def path(self) -> str:
        """Give the file in the volume; neither a name nor a key has a slash, so no two meet."""
        return (
            f"{_FOLDERS[self.origin]}/{self.name}/{self.key}" if self.key else whole_secret_folder(self.name)
        )

    def __str__(self) -> str:
        return f'{self.origin} "{self.name}"' + (f', key "{self.key}"' if self.key else "")


def whole_secret(name: str) -> ValueRef:
    """Give the reference to all keys of a Secret, whichever these are."""
    return ValueRef(Origin.SECRET, name, "")


def whole_secret_folder(name: str) -> str:
    """Give the folder of a whole Secret among the values: a file for each of its keys.

    It is a volume of its own: its `..data` is another link than that of the values beside it.
    """
    return f"whole-secrets/{name}"


class EnvKeyRef(Model):
    """One key of a Secret or ConfigMap in the same namespace."""

    # As Kubernetes itself demands: one Script's bad name must not spoil the volume that all share.
    name: str = Field(max_length=MAX_ANY_NAME, pattern=NAME_FORM)
    """The object's name."""
    key: str = Field(max_length=253, pattern=r"^[.]?[-_a-zA-Z0-9][-._a-zA-Z0-9]*$")
    """The key under data."""


class EnvValueFrom(Model):
    """Where a value comes from."""

    model_config = ConfigDict(
        json_schema_extra=validated_by(
            rule("has(self.secretKeyRef) != has(self.configMapKeyRef)", _ONE_ORIGIN)
        )
    )

    secret_key_ref: EnvKeyRef | None = None
    """A key of a Secret."""
    config_map_key_ref: EnvKeyRef | None = None
    """A key of a ConfigMap."""

    @model_validator(mode="after")
    def _has_one_origin(self) -> "EnvValueFrom":
        if (self.secret_key_ref is None) == (self.config_map_key_ref is None):
            raise ValueError(_ONE_ORIGIN)
        return self


def _check_size(value: str) -> str:
    if len(value.encode("utf-8", "replace")) > MAX_INLINE_BYTES:
        raise ValueError(_TOO_LARGE)
    return value


class EnvVar(Model):
    """One name and its value."""

    model_config = ConfigDict(
        json_schema_extra=validated_by(rule("has(self.value) != has(self.valueFrom)", _ONE_VALUE))
    )

    name: str = Field(max_length=128, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    """The name in the script: env.NAME."""
    value: (
        Annotated[
            str,
            AfterValidator(_check_size),
            Field(
                max_length=MAX_INLINE_BYTES,
                json_schema_extra=validated_by(rule(f"bytes(self).size() <= {MAX_INLINE_BYTES}", _TOO_LARGE)),
            ),
        ]
        | None
    ) = None
    """The value itself, at most 1024 bytes of UTF-8; never a secret, since who reads the Script reads it."""
    value_from: EnvValueFrom | None = None
    """Takes the value from a Secret or ConfigMap instead, as it is when the run starts."""

    @model_validator(mode="after")
    def _has_one_value(self) -> "EnvVar":
        if (self.value is None) == (self.value_from is None):
            raise ValueError(_ONE_VALUE)
        return self

    @property
    def ref(self) -> ValueRef | None:
        """Give where the value is, unless it stands here."""
        if self.value_from is None:
            return None
        if secret := self.value_from.secret_key_ref:
            return ValueRef(Origin.SECRET, secret.name, secret.key)
        found = self.value_from.config_map_key_ref
        return ValueRef(Origin.CONFIG_MAP, found.name, found.key) if found else None


def _check_names(env: list[EnvVar]) -> list[EnvVar]:
    seen: set[str] = set()
    for each in env:
        if each.name in seen:
            # The API server's own words for a list that is keyed by name.
            raise ValueError(f"Duplicate value: {each.name} stands twice; remove one of them")
        seen.add(each.name)
    return env


Env = Annotated[
    list[EnvVar],
    AfterValidator(_check_names),
    Field(
        max_length=MAX_ENV,
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            # A Script without env is stored without it.
            "default": None,
        },
    ),
]
