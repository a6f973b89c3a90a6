"""What the names of `env` stand for. Pure."""

from collections.abc import Callable, Sequence

from scriptorium_api.env import MAX_ENV_BYTES, EnvVar, Origin, ValueRef
from scriptorium_runner.executions.decide import Values

#: Of so many missing values a message tells the names; a status has no room for all that there could be.
_MOST_NAMED = 5

Look = Callable[[ValueRef], bytes | None]


def pick_values(env: Sequence[EnvVar], look: Look, cure: str) -> Values:
    """Give the values, or what is missing, with the cure; `look` gives a value, or None if it is missing.

    No problem ever quotes a value.
    """
    found = {each.name: each.value or "" for each in env}
    missing: list[EnvVar] = []
    for each, ref in [(each, each.ref) for each in env if each.ref]:
        try:
            raw = look(ref)
            found[each.name] = (raw or b"").decode()
        except UnicodeDecodeError:
            return _unusable(each, "is not UTF-8 text; store text there, such as its base64")
        except OSError as error:
            return _unusable(each, f"cannot be read by this runner: {error.strerror}")
        if raw is None:
            missing.append(each)
    if missing:
        return Values(problem=f"no value yet for {_name(missing)}: {cure}")
    if sum(len(value.encode("utf-8", "replace")) for value in found.values()) > MAX_ENV_BYTES:
        problem = (
            f"the values of env are more than {MAX_ENV_BYTES} bytes together; name fewer or smaller ones"
        )
        return Values(problem=problem)
    secret = frozenset(found[each.name] for each in env if each.ref and each.ref.origin is Origin.SECRET)
    return Values(found, secrets=secret)


def _unusable(each: EnvVar, problem: str) -> Values:
    return Values(problem=f"env.{each.name} cannot be used: {each.ref}, {problem}")


def _name(missing: Sequence[EnvVar]) -> str:
    named = ", ".join(f"env.{each.name} ({each.ref})" for each in missing[:_MOST_NAMED])
    more = len(missing) - _MOST_NAMED
    return f"{named} and {more} more" if more > 0 else named
