"""What a worker process is sealed with, and what an engine that lacks some of it may do. Pure."""

from collections.abc import Mapping
from enum import StrEnum


class Layer(StrEnum):
    """One wall between a script that broke the JavaScript engine and everything else."""

    NO_NEW_PRIVILEGES = "no_new_privs"
    SECCOMP = "seccomp"
    LANDLOCK = "landlock"
    RESOURCE_LIMITS = "rlimits"
    DESCRIPTORS = "descriptors"
    ENVIRONMENT = "environment"
    NOT_DUMPABLE = "not_dumpable"
    PARENT_DEATH = "parent_death"


class Seal(StrEnum):
    """What an engine needs before it runs a script."""

    FULL = "full"
    """Every layer."""
    LANDLOCK_OPTIONAL = "landlock-optional"
    """Every layer, but Landlock only where the kernel has it."""
    NONE = "none"
    """None of those that the kernel may lack: for scripts of one's own, on one's own machine."""


#: The setting that says whether Landlock is required.
REQUIRE_LANDLOCK = "SCRIPTORIUM_REQUIRE_LANDLOCK"
#: For an engine that was told not to seal.
SWITCHED_OFF = "switched off"
#: The layers that Seal.NONE does without; the others cost nothing and are everywhere.
NOT_SEALED = frozenset({Layer.NO_NEW_PRIVILEGES, Layer.SECCOMP, Layer.LANDLOCK, Layer.NOT_DUMPABLE})
_OPTIONAL: dict[Seal, frozenset[Layer]] = {
    Seal.FULL: frozenset(),
    Seal.LANDLOCK_OPTIONAL: frozenset({Layer.LANDLOCK}),
    Seal.NONE: NOT_SEALED,
}
_CURES = {
    Layer.LANDLOCK: "Landlock needs Linux 5.13 with `landlock` among its security modules (the kernel's"
    " parameter lsm=); SCRIPTORIUM_REQUIRE_LANDLOCK=false, the chart's sandbox.requireLandlock, goes without",
    Layer.SECCOMP: "seccomp needs Linux 4.14 with CONFIG_SECCOMP_FILTER on x86_64 or aarch64",
}
_DEVELOPMENT = "`scriptorium dev` runs scripts that you trust with --insecure-no-seal"


def find_seal(setting: str | None) -> Seal | None:
    """Give what the setting asks for, which may be absent; None if it is neither true nor false."""
    return {"true": Seal.FULL, "false": Seal.LANDLOCK_OPTIONAL}.get(setting or "true")


def list_active(flaws: Mapping[Layer, str]) -> dict[Layer, bool]:
    """Say of every layer whether it is there."""
    return {layer: layer not in flaws for layer in Layer}


def find_missing(seal: Seal, flaws: Mapping[Layer, str]) -> dict[Layer, str]:
    """Give the layers that are required and not there, with what the kernel said."""
    optional = _OPTIONAL[seal]
    return {layer: flaw for layer, flaw in flaws.items() if layer not in optional}


def describe_refusal(missing: Mapping[Layer, str]) -> str:
    """Say why no script is run, and what to do about it."""
    found = ", ".join(f"{layer} ({flaw})" for layer, flaw in missing.items())
    cures = [_CURES[layer] for layer in missing if layer in _CURES]
    sentences = [
        f"no script is run, because the sandbox lacks what it requires: {found}",
        *cures,
        _DEVELOPMENT,
    ]
    return ". ".join(sentences)
